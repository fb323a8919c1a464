"""Small pictures: a page has few colours, so each dot of a picture can be one byte that numbers its colour."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The browser that took the picture also knows how to read it: no library for that is needed. The colours that occur
# most are kept, but for those that are too near to one of them; every other one becomes the nearest that is kept.
_NUMBER_COLOURS: Final = """
async ([png, most, near]) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const [width, height] = [image.width, image.height];
  const canvas = new OffscreenCanvas(width, height).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const dots = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const palette = [];
  const numbers = new Map();
  for (const [dot] of [...counts].sort((a, b) => b[1] - a[1])) {
    const [r, g, b] = [dot & 255, (dot >> 8) & 255, (dot >> 16) & 255];
    let [best, least] = [0, Infinity];
    palette.forEach(([x, y, z], number) => {
      const far = Math.hypot(r - x, g - y, b - z);
      if (far < least) [best, least] = [number, far];
    });
    if (least > near && palette.length < most) best = palette.push([r, g, b]) - 1;
    numbers.set(dot, best);
  }
  const numbered = Uint8Array.from(dots, (dot) => numbers.get(dot));
  let text = '';
  for (let at = 0; at < numbered.length; at += 32768) {
    text += String.fromCharCode(...numbered.subarray(at, at + 32768));
  }
  return [width, height, palette.flat(), btoa(text)];
}
"""
_COLOURS: Final = 256
_NEAR: Final = 9
_PALETTE: Final = 3


def small(png: bytes, blank: Page) -> bytes:
    """Return a picture with a small palette, computed in an empty page."""
    width, height, palette, numbered = blank.evaluate(
        _NUMBER_COLOURS, [base64.b64encode(png).decode(), _COLOURS, _NEAR]
    )
    dots = base64.b64decode(numbered)
    lines = b"".join(b"\0" + dots[at : at + width] for at in range(0, len(dots), width))
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
