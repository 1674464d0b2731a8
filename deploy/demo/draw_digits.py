#!/usr/bin/env python3
"""Draws the demo's ten digit images: dark ink on white paper, as a pen would, each a little irregular.

usage: draw_digits.py [--output=DIR]        needs Pillow (requirements.txt beside this file)

A digit is a list of strokes, a stroke a list of points in a box of 100 x 100 (y downwards) through which a smooth
curve runs. The pen wavers and presses unevenly, by a random stream seeded with the digit, so that the files come out
the same.
"""
import argparse
import math
import pathlib
import random

from PIL import Image, ImageDraw

SIZE = 140         # pixels of the square image
MARGIN = 22        # pixels of paper around the box
OVERSAMPLE = 4     # drawn larger and scaled down, for smooth edges
PEN = 11.5         # mean width of a stroke in pixels
PAPER, INK = (255, 255, 255), (26, 28, 46)

STROKES = {
    0: [[(58, 3), (36, 8), (22, 34), (22, 62), (36, 92), (56, 96), (75, 78), (79, 44), (70, 14), (52, 4)]],
    1: [[(38, 20), (54, 3), (53, 40), (49, 97)]],
    2: [[(24, 24), (36, 7), (58, 4), (73, 18), (68, 41), (47, 67), (23, 93), (50, 91), (80, 94)]],
    3: [[(25, 12), (48, 2), (71, 13), (68, 34), (45, 46), (71, 56), (77, 76), (58, 95), (26, 90)]],
    4: [[(36, 5), (29, 32), (22, 55), (50, 56), (80, 52)], [(67, 6), (65, 50), (61, 97)]],
    5: [[(75, 6), (52, 6), (34, 8), (31, 28), (28, 46), (52, 40), (72, 54), (72, 78), (52, 95), (24, 90)]],
    6: [[(66, 3), (45, 18), (30, 44), (27, 72), (42, 95), (64, 91), (73, 70), (60, 54), (40, 59), (30, 74)]],
    7: [[(22, 11), (50, 9), (78, 8), (65, 38), (53, 66), (46, 97)]],
    8: [[(68, 14), (48, 3), (31, 17), (38, 37), (59, 53), (70, 77), (51, 97), (31, 82), (38, 59), (60, 41), (71, 20),
         (62, 7)]],
    9: [[(71, 22), (53, 5), (31, 17), (31, 40), (50, 49), (67, 36), (72, 18), (70, 50), (65, 75), (57, 97)]],
}


def curve(points, steps=24):
    """Points on the Catmull-Rom spline through the given ones."""
    padded = [points[0], *points, points[-1]]
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:]):
        for step in range(steps):
            t = step / steps
            yield tuple(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t
                               + (3 * b - a - 3 * c + d) * t ** 3) for a, b, c, d in zip(before, start, end, after))
    yield points[-1]


def draw(digit):
    rng = random.Random(digit)
    canvas = Image.new("RGB", (SIZE * OVERSAMPLE,) * 2, PAPER)
    pen = ImageDraw.Draw(canvas)
    unit = (SIZE - 2 * MARGIN) / 100
    for stroke in STROKES[digit]:
        phase_x, phase_y, phase_width = (rng.uniform(0, 2 * math.pi) for _ in range(3))
        wavered = [(x + rng.gauss(0, 0.8), y + rng.gauss(0, 0.8)) for x, y in stroke]
        for i, (x, y) in enumerate(curve(wavered)):
            x += 0.7 * math.sin(i / 9 + phase_x)
            y += 0.7 * math.sin(i / 11 + phase_y)
            radius = PEN / 2 * (1 + 0.12 * math.sin(i / 23 + phase_width))
            cx, cy = MARGIN + unit * x, MARGIN + unit * y
            pen.ellipse([OVERSAMPLE * v for v in (cx - radius, cy - radius, cx + radius, cy + radius)], fill=INK)
    return canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "digits")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for digit in STROKES:
        draw(digit).save(folder / f"{digit}.png", optimize=True)


if __name__ == "__main__":
    main()
