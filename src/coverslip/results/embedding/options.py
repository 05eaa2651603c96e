"""Options of the verbs for embeddings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, field_validator, model_validator

from coverslip.core import Options, flag


def _listed(value: Any) -> Any:
    """``"day,area_px"`` as its parts, also where such a text is one of several."""
    texts = [value] if isinstance(value, str) else value
    return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]


class Predict(Options):
    """Of predicting."""

    clusters: str | int = flag(
        "auto", "k-means clusters: auto (the default; a method's own, where it has some), a number, or 0 for none."
    )

    sphere: str | None = flag(
        None,
        "Sphere the vectors on controls, the rows that fulfil this: 'treatment = DMSO'; or as another .h5ad was.",
    )
    sphere_by: str | None = flag(None, "Column, such as plate, whose groups are sphered each on its own controls.")

    @model_validator(mode="after")
    def _controls_for_each(self) -> Predict:
        if self.sphere_by is not None and self.sphere is None:
            raise ValueError("sphere-by needs sphere: say which rows are controls")
        return self

    @field_validator("clusters")
    @classmethod
    def _a_number(cls, value: str | int) -> str | int:
        if isinstance(value, str) and value != "auto" and not value.isdecimal():
            raise ValueError("the number of clusters is a whole number or 'auto'")
        return value if value == "auto" else int(value)


class Evaluate(Options):
    """Of measuring."""

    label: str = flag("label", "Column that holds the classes; rows without one are left out.")
    group: str | None = flag(None, "Column whose groups are never divided, such as plate.")
    factors: Annotated[tuple[str, ...], BeforeValidator(_listed)] = flag(
        (), "Columns with known factors, for disentanglement (MIG, DCI): day,area_px"
    )
    baseline: bool = flag(True, "Compare with PCA of the pixels and the raw pixels.")
    trust: bool = flag(True, "Measure what needs no classes: whether clusters come back, and how much is batch.")
    reconstruction: bool = flag(True, "Measure how well the model gives the images back, where it can.")
    views: int = flag(
        0, "So many views of each image, turned and a little changed: whether neighbours and clusters stay.", ge=0
    )


class Report(Options):
    """Of the page."""

    colour: str | None = flag(None, "Column that colours the map at first.")
    umap: bool = flag(False, "Add a UMAP (computed once, then kept in the result).")
    clusters: str = flag("cluster", "Column whose groups are shown to be named.", name="name-by")
    trust: bool = flag(True, "Measure what needs no classes: whether clusters come back, and how much is batch.")
    place: str | None = flag(None, "A further result of the same model, whose samples are shown on this map.")


class Label(Options):
    """Of labelling by the names of clusters."""

    look: int = flag(20, "How many cells worth a look are numbered, uncertain ones from all over the map.", ge=0)
