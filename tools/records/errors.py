"""All errors of the tools, as one tree.

    RestockError
    ├── InvalidInput            the caller's data cannot be used
    │   ├── InvalidDemand       a demand history with a bad value; names the position
    │   ├── UnclearColumns      a file whose columns or kind a person must name
    │   ├── UnclearNotation     numbers or dates of a file that may be read in two ways
    │   ├── FaultyFile          a file with faults; lists them by line
    │   └── InvalidQuantity     a quantity that breaks the order's own rules
    ├── NotFound
    │   ├── UnknownProduct
    │   ├── UnknownLocation
    │   ├── UnknownRun
    │   ├── UnknownReview
    │   ├── UnknownOrder
    │   ├── UnknownReceipt
    │   ├── UnknownPurchaseOrder
    │   ├── UnknownSweep
    │   ├── PdfNotInstalled     pages can be printed, and no PDF can be made of them
    │   ├── UnknownConversation
    │   ├── UnknownDeadLetter
    │   ├── UnknownImport
    │   ├── UnknownSupplier
    │   └── UnknownKey
    ├── Conflict                the request is right but comes too late, or twice
    │   ├── AlreadyDecided      the review has been decided, changed or has expired
    │   ├── AlreadyRecorded     another outcome of the order has been recorded
    │   ├── BelowMinimum        a purchase order is worth less than its supplier takes
    │   ├── DocumentChanged     a purchase order has other lines than those that were seen
    │   ├── DocumentNotSent     a purchase order is a draft still
    │   ├── IdempotencyMismatch the same key came with another body
    │   ├── InFlight            the same key is still being answered
    │   ├── OrderClosed         the order is received, cancelled, or further than this step
    │   ├── ReceiptChanged      the receipt says another quantity than the one that was to be corrected
    │   └── RunLost             another process has taken over the run
    ├── BeyondAuthority         the caller may not do this
    │   ├── MayNotRead          the key lacks the scope read
    │   ├── OwnOrder            the key that asked for an order may not approve it
    │   └── LimitExceeded       the order is above what the caller may spend
    └── Unavailable             database or queue cannot serve now; try again later
        ├── DamagedDatabase     the database itself is broken; a person must restore it
        └── Overloaded          too many runs wait

Each message says what was wrong, what was got and what to do next. `code` is stable: programs may rely on it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


class RestockError(Exception):
    """Base of the tree. `code` names the kind of failure for programs; the message is for people."""

    code = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(RestockError):
    code = "invalid_input"


class InvalidDemand(InvalidInput):
    code = "invalid_demand"


class UnclearColumns(InvalidInput):
    """`role` is what no one column could be taken for, empty where the kind of file is unclear."""

    code = "unclear_columns"

    def __init__(self, message: str, *, role: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.role, self.candidates = role, candidates


class UnclearNotation(InvalidInput):
    code = "unclear_notation"


class FaultyFile(InvalidInput):
    code = "faulty_file"


class InvalidQuantity(InvalidInput):
    code = "invalid_quantity"


class NotFound(RestockError):
    code = "not_found"


class UnknownProduct(NotFound):
    code = "unknown_product"


class UnknownLocation(NotFound):
    code = "unknown_location"


class UnknownRun(NotFound):
    code = "unknown_run"


class UnknownReview(NotFound):
    code = "unknown_review"


class UnknownOrder(NotFound):
    code = "unknown_order"


class UnknownReceipt(NotFound):
    code = "unknown_receipt"


class UnknownPurchaseOrder(NotFound):
    code = "unknown_purchase_order"


class UnknownSweep(NotFound):
    code = "unknown_sweep"


class PdfNotInstalled(NotFound):
    code = "pdf_not_installed"


class UnknownConversation(NotFound):
    code = "unknown_conversation"


class UnknownDeadLetter(NotFound):
    code = "unknown_dead_letter"


class UnknownImport(NotFound):
    code = "unknown_import"


class UnknownSupplier(NotFound):
    code = "unknown_supplier"


class UnknownKey(NotFound):
    code = "unknown_key"


class Conflict(RestockError):
    code = "conflict"


class AlreadyDecided(Conflict):
    code = "already_decided"


class AlreadyRecorded(Conflict):
    code = "already_recorded"


class BelowMinimum(Conflict):
    code = "below_minimum"


class DocumentChanged(Conflict):
    code = "document_changed"


class DocumentNotSent(Conflict):
    code = "document_not_sent"


class IdempotencyMismatch(Conflict):
    code = "idempotency_mismatch"


class InFlight(Conflict):
    code = "in_flight"


class OrderClosed(Conflict):
    code = "order_closed"


class ReceiptChanged(Conflict):
    code = "receipt_changed"


class RunLost(Conflict):
    code = "run_lost"


class BeyondAuthority(RestockError):
    code = "beyond_authority"


class MayNotRead(BeyondAuthority):
    code = "scope_missing"


class OwnOrder(BeyondAuthority):
    code = "own_order"


class LimitExceeded(BeyondAuthority):
    code = "limit_exceeded"


class Unavailable(RestockError):
    code = "unavailable"


class DamagedDatabase(Unavailable):
    code = "database_damaged"


class Overloaded(Unavailable):
    code = "overloaded"
