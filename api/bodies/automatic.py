"""The switch for automatic ordering."""

from pydantic import Field

from api.bodies.fields import Answer, Body, Identifier


class AutomaticSwitch(Body):
    """Whether safe orders may go out by themselves."""

    on: bool = Field(description="true lets safe orders go out by themselves; false sends all to a person.")
    supplier_id: Identifier | None = Field(None, description="Only for this supplier; without it for all.")


class AutomaticAnswer(Answer):
    """What holds now."""

    on: bool = Field(description="Whether safe orders of the own catalogue go out by themselves.")
    suppliers: dict[str, bool] = Field(description="The same for single suppliers that differ, by id.")
