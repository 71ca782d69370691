"""Arguments that several tools take."""

from typing import Annotated

from pydantic import Field

Name = Annotated[str | None, Field(max_length=200)]
Figure = Annotated[float | None, Field(ge=0, allow_inf_nan=False)]
Words = Annotated[str, Field(max_length=200, description="Words of id, name, category, supplier or location.")]
Limit = Annotated[int, Field(ge=1, le=20, description="Rows to show, at most 20. Totals count all.")]
