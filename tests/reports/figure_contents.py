"""What the tests of figures share: the text of a figure, its numbers, and the loss curve of a made-up job."""

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd

from bench.results.record import LossCurve
from reports.figures.kit.figure import Figure

OPTIMUM = (1.0, 0.6)
START = (0.5, 0.25)
CURVATURE = (3.0, 1.0)
MINIMUM = 0.12


def words_of(figure: Figure | None) -> str:
    """All text of the SVG, which must be well-formed to be read, as one line."""
    assert figure is not None
    root = ElementTree.fromstring(figure.files["svg"])  # noqa: S314 - our own figure
    texts = root.iter("{http://www.w3.org/2000/svg}text")
    return " ".join(" ".join("".join(text.itertext()).split()) for text in texts)


def files_of(figure: Figure | None) -> dict[str, bytes]:
    """The files of a figure by their formats."""
    assert figure is not None
    return figure.files


def numbers_of(figure: Figure | None) -> pd.DataFrame:
    """The CSV of a figure."""
    assert figure is not None
    return pd.read_csv(io.BytesIO(figure.files["csv"]))


def loss_curve(updates: int = 10_000, lr: float = 1e-4) -> LossCurve:
    """The exact loss curve of gradient descent on a quadratic."""
    points = np.unique(np.linspace(0, updates, 101).round().astype(int))
    left = np.array([np.subtract(START, OPTIMUM) * (1 - 2 * lr * np.array(CURVATURE)) ** point for point in points])
    return LossCurve(
        updates=tuple(points.tolist()),
        losses=tuple((MINIMUM + left**2 @ np.array(CURVATURE)).tolist()),
        minimum=MINIMUM,
        parameters=tuple((x, y) for x, y in (left + OPTIMUM).tolist()),
        optimum=OPTIMUM,
        curvature=((CURVATURE[0], 0.0), (0.0, CURVATURE[1])),
        sample=tuple((x, x + 0.5) for x in np.linspace(-3, 3, 7).tolist()),
    )
