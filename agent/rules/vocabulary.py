"""The words that never name a product by themselves: ordinary English and the field's own terms.

Deliberately without words that product names are made of (box, size, grade, white, safety, lead).
"""

import re

ORDINARY = frozenset(
    """
    a about above absolutely account across actual actually advice advise affect affects after again against
    agent ago ahead all allowed almost alone already also although always am among amount an and another answer
    any anybody anyone anything anyway anywhere apart appears approx approximately are area arent around arrears
    arrival arrive arrived arrives arriving article articles as asap ask asked asking assistant assume assuming
    assumption at availability available average avoid away back backorder backordered backorders bad based
    basis be became because become been before begin behind being believe below best better between bit boss bot
    both brief briefly bring brings brought budget buffer but buy buying by calculate calculated calculates
    calculation calculations call came can cannot case catalog catalogue category certain change changed changes
    cheap cheaper check checked checking class close come comes coming compare compared comparing comparison
    completely compute computed concerning condition consider consumed consumption content continue contrast
    correct cost costs could couldnt count course cover coverage covered covers create creates critical csl
    current currently customer customers cycle daily data date day days deadline dear decide decision decline
    declines decrease decreased decreases decreasing deficit definitely delay delayed delays deliver delivered
    deliveries delivers delivery demand demands department depends deplete depleted depletes derivation derive
    derived derives describe despite detail detailed details determined develop developed developing develops
    did difference differences different discount discounts discuss do does doesnt doing done dont double
    doubled doubles doubling
    down drop dropped dropping drops dry due during each earlier earliest early effect eight either eleven else
    empty end enough entire eoq estimate estimated estimates eta etc even ever every everyday everyone
    everything everywhere exact exactly example excess exhausted exist expect expected expecting expensive
    explain explained explanation extra fact fall falling falls family far fast faster fell few fewer figure
    figures fill final find fine first five follow following for forecast forecasts formula fortnight found four
    from full further future gave general get gets getting give given gives giving go goes going gone good goods
    got great grew group grow growing grows growth guess had half halve halved halves hand handle handled happen
    happened happening happens has have having he hello help her here hey hi high higher his history hm hmm hold
    hour hours how however i id idea if immediately impact impacts important in inbound include including
    incoming increase increased increases increasing indeed influence info inform information instead into
    inventory is isnt issue issues it item items its itself just justify keep kept kind kindly kinds know kpi
    last lasted lasting lasts late later latest lead-time leadtime least left less let lets level levels like
    likely likewise limit line lines list listed listing little location locations long longer look looked
    looking looks lot low lower made make makes making manager many math maths matter max maximum may maybe me
    mean means meant mention might min mine minimum minute minutes moment money month monthly months moq more
    morning most move moved moving much must my name named near nearly necessary need needed needing needs
    neither never new next nine no nobody none nope normal normally not note nothing now number numbers
    obviously of off often oh ok okay old on on-hand once one ones only onto open option options or order
    order-up-to ordered ordering orders other others otherwise our out outstanding over overall overdue
    overstocked overview own particular past pay pcs pending people per per-day percent perhaps period pick
    piece pieces pipeline place placed placing plan planned planning plans please pls plus plz po point points
    policy pos position possible possibly present presently pretty price prices pricing prioritise prioritize
    prioritized priority probably problem procure product products projected proposal provide purchase purchased
    purchases purchasing put quantities quantity question quick quickly quite quote raise raised raises range
    rank ranked ranking rapidly rate rather ready real really reason reasoning reasons receive received recent
    recently recommend recommendation recommendations recommended reduce refill refresh regarding regards
    related relative remain remaining remind reminder reorder reordered reordering reorders replenish
    replenished replenishing replenishment report request require required requirement requirements requires
    respect respectively rest restock restocked restocking result results review reviewed reviews right rise
    rises rising risk rop rose roughly run running runs rv said sale sales same saw say saying says schedule
    scheduled schedules second section see seem seems sell selling sells send sends sense sent service seven
    several shall she ship shipment shipments shipping shop short shortage shortages shortest shortly should
    shouldnt show shown shows shrink shrinks simple simply since situation six sku skus slow slower small so
    sold some somebody somehow someone something soon sooner sorry sort sorts source sourced speak specific
    stand stands start state stats status still stock stocked stocking stockout stockouts stocks stop store such
    suddenly sufficient suggest suggested suggestion suggestions sum summary supplied supplier suppliers
    supplies supply support suppose supposed sure surge surges take taken takes taking talk talked talking
    target team tell telling tells ten than thank thanks that thats the their them then there therefore these
    they thing things think thinking third thirty this those though thought three threshold through thus time
    times to today together told tomorrow tonight too top total totally toward towards track transfer transit
    trend trending trigger triggered triple tripled triples true try turn turnover twelve twenty twice two
    uncertainty under understand understocked unit units unless until up upcoming update updates uplift upon
    urgency urgent urgently us usage use used user using usual usually value values variability vendor vendors
    versus very via view vs wait waiting want wanted wants was way we week weekday weekly weeks well
    well-stocked went were what whatever whats when whenever where whereas whether which while who whole whom
    whose why will wish with within without wondering wont work worked working works worried worry worrying
    worse worst worth would wouldnt year yearly years yep yes yesterday yet you your yours yourself
    """.split()  # noqa: SIM905  one word to a line would be seven hundred lines
)
SITE_WORDS = frozenset(
    ("warehouse", "warehouses", "location", "site", "depot", "branch", "plant", "dc", "facility", "hub")
)
ARTICLES = frozenset(("the", "our", "my", "a", "an", "your", "this"))
COUNTED = frozenset(
    ("%", "percent", "day", "days", "week", "weeks", "month", "months", "units", "unit", "pieces", "pcs", "times")
)


def phrases(block: str, *, start: str = r"\b", end: str = r"\b", flags: int = 0) -> re.Pattern[str]:
    """One pattern, for text in lower case, from alternatives set out by lines and " / ".

    >>> bool(phrases("past due / (?:is|are) late").search("which are late?"))
    True
    """
    alternatives = [part for part in re.split(r"\s*\n\s*|\s+/\s+", block.strip()) if part]
    return re.compile(f"{start}(?:{'|'.join(alternatives)}){end}", flags)


SET_PHRASES = phrases(
    r"""
    safety[\s-]?stocks? / reorder[\s-]?(?:points?|levels?|thresholds?|quantit\w+|poin\w*)
    order[\s-]up[\s-]to(?:[\s-]levels?)? / order[\s-](?:quantit\w+|status|multiples?|points?|size|list|history|number)
    lead[\s-]?times? / service[\s-]?levels? / fill[\s-]rates? / review[\s-]period / pack[\s-]sizes?
    (?:purchase|unit)[\s-](?:prices?|costs?|values?) / trigger[\s-](?:level|point)s? / forecast[\s-]errors?
    standard[\s-]deviation / economic[\s-]order[\s-]quantity / as soon as possible / for example / by the way
    in (?:total|general|detail|hand|transit|stock|time|full|future|advance|short|particular|addition|case)
    in (?:units?|days?|weeks?|trouble|danger)
    in (?:order(?: to)?|need(?: of)?|time for|the (?:pipeline|meantime|next|last|coming|future|end|past))
    at (?:hand|once|all|least|most|present|the moment|risk|the (?:same|end|start)|this (?:time|point|moment)|what|which)
    (?:how many|how much|\d[\d,.]*)\s+[a-z]+s\s+of
    """,
    flags=re.IGNORECASE,
)
"""Set phrases whose words would otherwise be taken for a product or a place."""
