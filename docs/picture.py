"""Pictures of the page of a finished run: docs/report.png, its first screen beside its attributions, and docs/people.png, errors
over people and over the scene.

`python docs/picture.py reports/multi-eye/index.html [FOLDER]`; needs chromium and playwright. Few colours keep them small.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

WIDTH_PX, TALLEST_PX, GAP_PX, COLOURS = 1280, 1100, 40, 224
PICTURES = {
    "report.png": ((".column", 40), ("section[aria-labelledby=attribution]", 0)),
    "people.png": (("section[aria-labelledby=people]", 0), ("section[aria-labelledby=eccentricity]", 0)),
}
"""File -> what stands side by side: a selector, and how many px above it are left out."""


def main(report: Path, folder: Path = Path(__file__).parent) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        for name, places in PICTURES.items():
            beside(*(_shot(page, *one) for one in places)).save(folder / name, optimize=True)
        browser.close()


def beside(left: Image.Image, right: Image.Image) -> Image.Image:
    height = min(TALLEST_PX, max(left.height, right.height))
    whole = Image.new("RGB", (left.width + GAP_PX + right.width, height), "white")
    whole.paste(left, (0, 0))
    whole.paste(right, (left.width + GAP_PX, 0))
    return whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)


def _shot(page: Page, selector: str, above_px: int) -> Image.Image:
    """The upper part of what the selector finds, without the first px."""
    box = page.locator(selector).first.bounding_box()
    assert box, f"{selector} is not on this page"
    clip = {"x": box["x"], "y": box["y"] + above_px, "width": box["width"], "height": min(box["height"], TALLEST_PX)}
    return Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip))).convert("RGB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(Path, sys.argv[2:3]))
