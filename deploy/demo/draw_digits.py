#!/usr/bin/env python3
"""Draws the demo's digits: ten pictures to be recognised, and a small data set to train on where MNIST is not at hand.

usage: draw_digits.py [--output=DIR]        needs Pillow (requirements.txt beside this file)

A digit is a list of strokes, a stroke a list of points in a box of 100 x 100 (y downwards) through which a smooth
curve runs. The pen wavers and presses unevenly, by a random stream seeded with the digit, so that the files come out
the same. The pictures (0.png ... 9.png) are dark ink on white paper. The data set is as MNIST's: IDX files of 28 x 28
bytes, white on black, the digit in a box of 20 x 20 about the middle; each digit is turned, slanted and stretched as
another hand would have written it.
"""
import argparse
import gzip
import math
import pathlib
import random
import struct

from PIL import Image, ImageDraw

SIZE = 140         # pixels of the square image
MARGIN = 22        # pixels of paper around the box
OVERSAMPLE = 4     # drawn larger and scaled down, for smooth edges
PEN = 11.5         # mean width of a stroke in pixels
PAPER, INK = (255, 255, 255), (26, 28, 46)

SET_SIZES = {"train": 2000, "test": 500}  # pictures, as many of each digit
SMALL, BOX = 28, 20                       # pixels of a picture of the data set, and of the digit in it

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


def hand(rng):
    """A way of writing: what it makes of a point of a stroke."""
    angle, slant = rng.uniform(-0.25, 0.25), rng.uniform(-0.35, 0.35)
    width, bend = rng.uniform(0.65, 1.25), rng.uniform(-0.12, 0.12)

    def write(x, y):
        x, y = (x - 50) * width, y - 50
        x += slant * y + bend * y * y / 50
        return (50 + x * math.cos(angle) - y * math.sin(angle) + rng.gauss(0, 2.2),
                50 + x * math.sin(angle) + y * math.cos(angle) + rng.gauss(0, 2.2))
    return write


def draw_small(digit, rng):
    """A picture of the data set: bytes of SMALL x SMALL."""
    write, scale, pen_width = hand(rng), 4, rng.uniform(5, 13)
    canvas = Image.new("L", (200 * scale,) * 2, 0)
    pen = ImageDraw.Draw(canvas)
    for stroke in STROKES[digit]:
        for i, (x, y) in enumerate(curve([write(x, y) for x, y in stroke], 16)):
            radius = pen_width / 2 * (1 + 0.15 * math.sin(i / 13 + pen_width))
            pen.ellipse([scale * v for v in (50 + x - radius, 50 + y - radius, 50 + x + radius, 50 + y + radius)],
                        fill=255)
    ink = canvas.crop(canvas.getbbox())
    ratio = BOX / max(ink.size)
    ink = ink.resize([max(1, round(side * ratio)) for side in ink.size], Image.Resampling.BOX)
    small = Image.new("L", (SMALL, SMALL), 0)
    place = [(SMALL - side) // 2 + rng.randint(-1, 1) for side in ink.size]
    small.paste(ink, place)
    return small.tobytes()


def write_idx(path, shape, values):
    # The time of day is not part of the file.
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values)


def draw_set(folder):
    for seed, (part, size) in enumerate(SET_SIZES.items()):
        rng = random.Random(f"digits {seed}")
        labels = [i % 10 for i in range(size)]
        rng.shuffle(labels)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", (size, SMALL, SMALL),
                  b"".join(draw_small(label, rng) for label in labels))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (size,), bytes(labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "digits")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for digit in STROKES:
        draw(digit).save(folder / f"{digit}.png", optimize=True)
    draw_set(folder)


if __name__ == "__main__":
    main()
