"""Small pictures: a page has few colours, so each dot of a picture can be one byte that numbers its colour."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

# The browser that took the picture also knows how to read it: no library for that is needed. The colours that occur
# most are kept, every other one becomes the nearest of them.
_NUMBER_COLOURS: Final = """
async ([png, kept]) => {
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const [width, height] = [image.width, image.height];
  const canvas = new OffscreenCanvas(width, height).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const dots = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const dot of dots) counts.set(dot, (counts.get(dot) ?? 0) + 1);
  const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, kept).map(([dot]) => dot);
  const parts = (dot) => [dot & 255, (dot >> 8) & 255, (dot >> 16) & 255];
  const known = palette.map(parts);
  const numbers = new Map(palette.map((dot, number) => [dot, number]));
  for (const dot of counts.keys()) {
    if (numbers.has(dot)) continue;
    const [r, g, b] = parts(dot);
    let [best, least] = [0, Infinity];
    known.forEach(([x, y, z], number) => {
      const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (far < least) [best, least] = [number, far];
    });
    numbers.set(dot, best);
  }
  const numbered = Uint8Array.from(dots, (dot) => numbers.get(dot));
  let text = '';
  for (let at = 0; at < numbered.length; at += 32768) {
    text += String.fromCharCode(...numbered.subarray(at, at + 32768));
  }
  return [width, height, known.flat(), btoa(text)];
}
"""
_COLOURS: Final = 96
_PALETTE: Final = 3


def small(png: bytes, blank: Page) -> bytes:
    """Return a picture with a small palette, computed in an empty page."""
    width, height, palette, numbered = blank.evaluate(_NUMBER_COLOURS, [base64.b64encode(png).decode(), _COLOURS])
    dots = base64.b64decode(numbered)
    lines = b"".join(b"\0" + dots[at : at + width] for at in range(0, len(dots), width))
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
