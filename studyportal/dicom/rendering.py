"""One image as a PNG or JPEG for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from rest_framework.exceptions import ValidationError

from evaluation.imaging.header import number

PICTURES = ("image/png", "image/jpeg")
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
_LUNG = (-300.0, 1400.0)  # centre and width, HU
_LARGEST = 4096  # pixels along an edge
_MARK = "SYNTHETIC - research use only"


@dataclass(frozen=True)
class Wish:
    """How the picture shall look: window as centre and width in units of the values, size in pixels."""

    window: tuple[float, float] | None = None
    size: tuple[int, int] | None = None
    quality: int = 90

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Wish:
        """The wish that `window`, `viewport` and `quality` of the address express.

        Raises
        ------
        ValidationError
            When one of them cannot be understood.
        """
        window = _numbers(query.get("window", ""), "window")
        viewport = _numbers(query.get("viewport", ""), "viewport")
        quality = _numbers(query.get("quality", "90"), "quality")
        if window and (len(window) != 2 or window[1] <= 0):
            raise ValidationError("window must be centre,width,linear with a width above 0.")
        if viewport and (len(viewport) != 2 or not all(1 <= edge <= _LARGEST for edge in viewport)):
            raise ValidationError(f"viewport must be width,height from 1 to {_LARGEST}.")
        if len(quality) != 1 or not 1 <= quality[0] <= 100:
            raise ValidationError("quality must be a number from 1 to 100.")
        return cls(
            window=(window[0], window[1]) if window else None,
            size=(int(viewport[0]), int(viewport[1])) if viewport else None,
            quality=int(quality[0]),
        )


def picture_of(image: Dataset, wish: Wish, *, kind: str, synthetic: bool) -> bytes:
    """The image in the wished window, else in one that suits it: lung for CT, zero to its brightest for PET, inverted.

    A synthetic image bears its mark in the pixels, because a picture loses every other one.
    """
    slope, intercept = number(image, "RescaleSlope"), number(image, "RescaleIntercept")
    values = image.pixel_array * (1.0 if slope is None else slope) + (intercept or 0.0)
    pet = image.Modality == "PT"
    centre, width = wish.window or (_pet_window(values) if pet else _LUNG)
    scaled = np.clip((values - centre) / width + 0.5, 0, 1)
    grey = np.round((1 - scaled if pet else scaled) * 255).astype(np.uint8)
    picture = Image.fromarray(grey)
    if wish.size is not None:
        picture = _fitted(picture, wish.size)
    if synthetic:
        _mark(picture)
    buffer = BytesIO()
    picture.save(buffer, _FORMATS[kind], quality=wish.quality)
    return buffer.getvalue()


def _pet_window(values: np.ndarray) -> tuple[float, float]:
    high = max(float(np.percentile(values, 99.5)), 1e-30)  # an empty slice has no window of its own
    return high / 2, high


def _fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(size[0] / picture.width, size[1] / picture.height)
    edges = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(edges, Image.Resampling.BILINEAR)


def _mark(picture: Image.Image) -> None:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=max(8, picture.width // 16))
    left, top, right, bottom = draw.textbbox((2, 2), _MARK, font=font)
    draw.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill=255)
    draw.text((2, 2), _MARK, fill=0, font=font)


def _numbers(text: str, name: str) -> list[float]:
    texts = [part for part in text.split(",") if part not in ("linear", "LINEAR", "")]
    try:
        found = [float(part) for part in texts]
    except ValueError as error:
        raise ValidationError(f"{name} must hold numbers.") from error
    if not all(np.isfinite(found)):
        raise ValidationError(f"{name} must hold numbers.")
    return found
