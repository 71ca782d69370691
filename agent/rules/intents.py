"""The phrasings by which a planner's intents are told apart. Text arrives in lower case with contractions opened."""

import re
from typing import Literal, get_args

from agent.rules.vocabulary import phrases

TalkIntent = Literal["greeting", "thanks", "yes", "help", "refuse", "authority", "beyond", "part_arrives", "unknown"]
ListIntent = Literal[
    "needs_list", "on_order_list", "overdue_list", "stockout_list", "overstock_list", "empty_list", "product_list"
]
ProductIntent = Literal[
    "restock", "compare", "advice", "what_if", "explain", "parameters", "on_order", "runout", "stock", "supplier",
    "price", "order_rules", "demand", "about",
]  # fmt: skip
Intent = TalkIntent | ListIntent | ProductIntent
TALK: frozenset[str] = frozenset(get_args(TalkIntent))
LISTS: frozenset[str] = frozenset(get_args(ListIntent))

_VERB = (
    r"(?:reorder|order|restock|replenish|resupply|buy|purchase|procure|top[\s-]up|stock up(?: on)?"
    r"|get (?:me |us )?(?:some )?more|(?:place|raise|create|make|start|begin|trigger|request|issue) (?:me )?"
    r"(?:an? |the |some )?(?:new )?(?:purchase )?(?:reorder|order|po|restock\w*|replenishment|restocking run|run))"
)
_NOUN_AFTER = (
    r"(?!\s*(?:poin\w*|quantit\w+|levels?|status|numbers?|list|history|dates?|up[\s-]to|size|multiple|value|book"
    r"|limits?|thresholds?)\b)"
)
_LEAD_IN = (
    r"(?:please|pls|plz|ok(?:ay)?|yes|yep|sure|now|then|and|so|just|hi|hello|hey|go ahead and|go on and|let us|lets"
    r"|kindly|(?:can|could|would|will) you|i want(?: you)? to|i(?: woul)?d like(?: you)? to|i need(?: you)? to"
    r"|we need to|you (?:should|must|need to|have to)|also|immediately|urgently|help me|do)"
)

ATTACK = phrases(
    r"""
    (?:ignore|disregard|forget|override|bypass|overrule)\b.{0,60}\b(?:instructions?|prompts?|rules?|guard\w*|restrictions?)
    (?:ignore|disregard|forget|override|bypass|overrule)\b.{0,60}\b(?:polic(?:y|ies)|above|limits?|threshold|checks?)
    (?:ignore|disregard|forget) (?:all |any |the |your |everything )*(?:previous|prior|earlier|before|else)
    (?:system|hidden|initial|secret|original) (?:prompts?|messages?|instructions?)
    your (?:own |exact |full )?(?:prompts?|instructions?|rules|keys?|configuration|source code)
    (?:api|access|secret|private|groq|gemini|provider)[\s_-]?(?:api[\s_-]?)?(?:keys?|tokens?)
    passwords? / passwd / credentials / secrets / environment variables? / env vars? / stack ?trace / database url
    (?:repeat|print|show|output|reveal|dump|echo)\b.{0,40}\b(?:above|before this|so far|verbatim|this line)
    (?:print|reveal|dump|leak)\b.{0,20}\bkeys
    jail ?break / (?:developer|god|dan|admin|debug|root) mode / you are (?:now|no longer) / act as (?:an?|if)
    pretend (?:to be|you|that you) / drop table / select \* from / union select / or 1\s?=\s?1
    """
)
AUTHORITY = phrases(
    r"""
    (?:dis)?approv\w+ / reject\w* / sign(?:ing)? off / authori[sz]\w+
    cancel\w* / withdraw / delete / undo / void / revoke / amend / expedite
    (?:decline|deny|confirm|accept|release)\b.{0,40}\b(?:orders?|reviews?|proposals?|requests?|po|rv-\w+|po-\w+|tr-\w+)
    (?:without|skip|skipping|bypass|avoid|no) (?:an? |the |any )?(?:human )?(?:review|approval)
    (?:review|approval) (?:queue|list|desk) / pending (?:reviews?|approvals?|proposals?) / reviews? (?:are|is) \w+
    (?:waiting|waits?|open) (?:for )?(?:an? |my |your )?(?:reviews?|approval)
    (?<!if i )(?<!if we )(?:do not|never|stop) (?:re)?(?:order|buy|purchas|stock)\w*
    """
)
BEYOND = phrases(
    r"""
    (?:which|what|any|how many|list|show)\b.{0,20}\borders\b.{0,30}\b(?:placed|made|sent|raised)
    placed orders / order history / (?:was|were|have been|has been|did (?:we|you|i)) placed?
    (?:not|without being|never)\b.{0,20}\bautomatic\w* / automatic\w* not
    tied up / capital / (?:stock|inventory) (?:worth|valuation)
    (?:value|worth) of (?:the |our |all |my )*(?:stock|inventory) / (?:stock|inventory) value
    (?:did|have|do) (?:we|i|you) spen[dt] / spent / spending
    sell(?:s|ing)? (?:the )?(?:best|most|worst|least) / (?:best|top|worst)[\s-]sell\w*
    (?:most|least) expensive / total (?:value|worth|cost)
    (?:slow|fast)(?:est)?[\s-]mov\w+ / ran out / (?:did|have|has)\b.{0,30}\brun out
    (?:cheapest|cheaper|alternative|other|second|better) (?:supplier|vendor)s?
    (?:supplier|vendor)\b.{0,20}\b(?:cheapest|cheaper|best|better)
    """
)
"""What no tool of a chat can tell: what happened, totals, rankings, other suppliers."""
CHANGE = re.compile(
    rf"^(?:{_LEAD_IN}\W+)*(?:change|set|raise|increase|lower|reduce|decrease|update|edit|modify|adjust|remove|disable"
    r"|turn off|lift|switch off|fix|correct|add)\b.{0,60}?\b(?:limits?|thresholds?|service[\s-]?levels?"
    r"|safety[\s-]?stock|reorder[\s-]?(?:point|level)s?|lead[\s-]?times?|minimum|moq|multiple|budgets?|prices?"
    r"|quantit(?:y|ies)|orders?|stock|settings?|suppliers?|reviews?|confidence|products?)\b"
)
YES = re.compile(r"^(?:yes|yep|yeah|yup|correct|right|exactly|sure|indeed|please do|that one)(?:,? please)?\W*$")
GREETING = re.compile(
    r"^(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|howdy)(?: (?:there|all|team|bot))?\W*$"
)
THANKS = re.compile(
    r"^(?:(?:many |ok(?:ay)?,? |great,? |no,? )?(?:thanks|thank you|thx|cheers|ta)(?: (?:a lot|very much|so much|you))?"
    r"|great|perfect|ok(?:ay)?|got it|good|nice|bye|goodbye)\W*$"
)
HELP = phrases(
    r"""
    ^(?:please )?help(?: me)?\W*$
    what (?:can|do|could) (?:you|i) (?:do|ask|answer|know|offer|help) / who are you / what are you / how can you help
    how (?:do|does) (?:you|this|it) work / what (?:kind|sort)s? of questions / what (?:else )?can i (?:ask|do)
    """,
    end="",
)
RESTOCK = re.compile(
    rf"^(?:{_LEAD_IN}\W+)*{_VERB}\b{_NOUN_AFTER}|\b(?:please|kindly|go ahead and) {_VERB}\b{_NOUN_AFTER}"
)
GO_AHEAD = re.compile(
    r"^(?:(?:yes|yep|ok(?:ay)?|sure|please|then|just)\W+)*(?:do (?:it|that|so)|go ahead)(?:,? please)?\W*$"
)
ASKING = phrases(
    r"""
    (?:should|shall|do|does|did|is|are|must|can|could|will|would) (?:i|we|it|they|there)
    how (?:much|many|soon|often) / why / which / what / when / whether
    """
)
REASON = phrases(
    r"why / how come / explain\w* / reasons? / reasoning / justify / show (?:me )?(?:the |your )?(?:math|work)\w*"
)
PRONOUN = phrases(
    r"""
    it / its / this / that / them / these / those / they / their / the same / (?:same|this|that) one
    the (?:product|item)
    """
)
FOLLOW_UP = phrases(
    "and / also / plus / but / then / so / ok(?:ay)? / now / or / hm+ / (?:what|how) about / what if / why / with / at",
    start="^",
)
ADDS = phrases("and / also / plus / additionally", start="^")
ORDINALS = ("first", "second", "third", "fourth", "fifth")
ORDINAL = re.compile(
    rf"\bthe (?P<place>{'|'.join(ORDINALS)}|last|top|most urgent)(?: (?:one|product|item))?\b(?! (?:\d|week))"
)
QUANTITY = re.compile(
    rf"{_VERB}\W+(?:another |about |at least )?(?P<quantity>\d[\d,. ]*\d|\d)\b(?!\s*(?:%|days?|weeks?))"
)

GENERIC = phrases(
    r"""
    products? / items? / articles? / skus? / materials / goods / parts / things? / anything / everything / something
    all / lines / catalogu?e? / assortment / portfolio / ones / overview
    """
)
_KINDS = r"(?:products?|items?|articles?|skus?|materials|goods|parts|category|group|family|range|department)"
KIND_AFTER = re.compile(rf"^\W*{_KINDS}\b")
KIND_BEFORE = re.compile(rf"\b{_KINDS} (?:of|from|like|named|called)?\s*(?:the )?$")
LIST_LEAD = re.compile(
    r"\b(?:which|any|all(?: (?:of )?(?:the|our|my))?|every|list(?: (?:all|the|our|me|of))*"
    r"|what(?: kinds?| sorts?| types?)?(?: of)?(?: the| our)?)\s*$"
)
LIST_OPENING = re.compile(
    r"^(?:(?:and|so|ok(?:ay)?|please|now|hi|hello|hey|can you|could you|tell me|show me|give me|list|show)\W+)*"
    r"(?:what(?: else)?(?: all)?|anything|which|list|overview|give|show|(?:is|are) (?:there|any)"
    r"|do we have|have we got|any)\b"
)

_ON_ORDER = r"""
    on (?:the )?order / open (?:purchase )?orders? / outstanding / in transit / on (?:its|the|their) way / incoming
    inbound / arriv\w* / deliver(?:y|ies|ed) / in the pipeline / due / eta / pending orders? / purchase orders
    (?:been|already|have we|have i|did we|did i|we have) order(?:ed)? / coming
"""
_OVERDUE = r"""
    overdue / late / past due / delayed / behind schedule / should have (?:arrived|come)
    (?:has|have) not (?:yet )?(?:arrived|come)
"""
_OVERSTOCK = r"over[\s-]?stock\w* / too much(?: stock| inventory)? / excess\w* / surplus / dead stock / most stock"
_RUN_OUT = r"run(?:s|ning)? (?:out|dry|short) / stock-?outs? / stock(?:s|ing)? out / sell(?:s|ing)? out"
_ORDERING = (
    r"reorder\w* / restock\w* / replenish\w* / order(?:s|ed|ing)? / buy\w* / purchas\w* / urgent\w* / critical\w*"
)

LIST_INTENTS: tuple[tuple[ListIntent, re.Pattern[str]], ...] = (
    ("overdue_list", phrases(_OVERDUE)),
    ("overstock_list", phrases(_OVERSTOCK)),
    ("on_order_list", phrases(_ON_ORDER)),
    ("empty_list", phrases("out of stock / no stock / zero stock / sold out / stocked out / empty")),
    ("stockout_list", phrases(_RUN_OUT + " / lasts? the (?:short|least)\\w*")),
    (
        "needs_list",
        phrases(
            _ORDERING
            + " / low / shortages? / needs? / attention / do (?:today|now|next|first) / at risk / short / below / under"
        ),
    ),
    (
        "product_list",
        phrases(
            r"""
            (?:list|show|which|how many|what)\b.*\b(?:products?|items?|skus?|articles?|catalog(?:ue)?|assortment|parts)
            overview / ^list / what (?:do|are) (?:we|you) (?:have|stock|stocking|keep|hold|carry|sell)
            """
        ),
    ),
)
PRODUCT_INTENTS: tuple[tuple[ProductIntent, re.Pattern[str]], ...] = (
    ("compare", phrases(r"compar\w* / versus / vs / differences? between / side by side")),
    (
        "explain",
        phrases(
            r"""
            explain\w* / deriv\w+ / break ?down / formula / in detail / calculation / how come
            how (?:was|is|did|do|were|are|have|does)\b.*\b(?:calculat\w*|comput\w*|work(?:ed)? (?:it )?out|determin\w*)
            how (?:was|is|did|do|were|are|have|does)\b.*\b(?:arrived? at|g[eo]t (?:to|that)|c[ao]me (?:up|to)|reach\w*)
            show (?:me )?(?:the |your )?(?:math\w*|work\w*|steps) / where (?:does|do|did)\b.*\bcome from
            """
        ),
    ),
    (
        "on_order",
        phrases(_ON_ORDER + _OVERDUE + "order status / status of (?:the|my|our) orders? / where (?:is|are) / here yet"),
    ),
    (
        "runout",
        phrases(
            _RUN_OUT
            + r"""
            if (?:i|we) (?:do not|never) (?:re)?(?:order|buy)\w*
            out of stock / last(?:s|ing)?(?! (?:week|month|year|time|\d+)) / coverage / cover / how long / be empty
            days? (?:of )?(?:cover|supply|stock|left|remaining)
            """
        ),
    ),
    (
        "parameters",
        phrases(
            r"""
            safety[\s-]?stock / buffer / reorder[\s-]?(?:point|level|threshold)s? / rop / order[\s-]up[\s-]to
            trigger (?:level|point) / minimum stock / service[\s-]?levels? / parameters?
            """
        ),
    ),
    (
        "order_rules",
        phrases(
            r"moq / minimum (?:order|quantit)\w* / order multiples? / pack sizes? / multiples? of / smallest order"
        ),
    ),
    (
        "advice",
        phrases(
            r"""
            how (?:much|many)\b.*\b(?:reorder|order|buy|purchase|restock|replenish|need|require)
            order quantit\w+ / recommend\w* / suggest\w* / enough / transfer\w*
            """
        ),
    ),
    ("advice", phrases("how (?:sure|certain|confident|safe) / confidence / certainty")),
    ("stock", phrases(_OVERSTOCK)),
    (
        "price",
        phrases(
            r"""
            discounts? / price breaks? / prices? / costs? / expensive / cheap / worth / value
            how much (?:is|are) (?:it|they|one)
            """
        ),
    ),
    ("supplier", phrases(r"suppliers? / vendors? / who (?:supplies|delivers|makes|sells) / lead[\s-]?times? / source")),
    (
        "stock",
        phrases(
            r"""
            how (?:much|many) / on[\s-]hand / in stock / inventory / available / position / left / do we have
            stock(?! up) / quantity (?:of|in)
            """
        ),
    ),
    (
        "demand",
        phrases(r"demands? / sales / sell(?:s|ing)? / sold / usage / consum\w+ / forecast\w* / moving / turnover"),
    ),
    (
        "advice",
        phrases(_ORDERING + " / need\\w* / enough / low / what should (?:i|we) do / short / at risk / top up / why"),
    ),
    ("advice", REASON),
    (
        "about",
        phrases(
            r"""
            tell me / (?:what|how) about / info\w* / details? / status / situation / look up / show / give me / describe
            check / how (?:is|are)
            """
        ),
    ),
)

ASSUMED = re.compile(r"\b(?:if|suppos\w+|assum\w+|imagine|what about|in case)\b")
