"""Computes the pinned splits of tests/splits.rs from their description alone: no code is shared
with the crate.

python splits.py
"""

import struct


def chacha8_words(key):
    """The keystream of ChaCha8 as 32-bit words, with a 64-bit counter and a zero nonce."""
    rotate = lambda value, by: ((value << by) | (value >> (32 - by))) & 0xFFFFFFFF

    def quarter(s, a, b, c, d):
        for this, other, target, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[this] = (s[this] + s[other]) & 0xFFFFFFFF
            s[target] = rotate(s[target] ^ s[this], by)

    counter = 0
    while True:
        start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key)]
        start += [counter & 0xFFFFFFFF, counter >> 32, 0, 0]
        s = start.copy()
        for _ in range(4):
            for column in range(4):
                quarter(s, column, 4 + column, 8 + column, 12 + column)
            for column in range(4):
                quarter(
                    s, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4
                )
        yield from ((a + b) & 0xFFFFFFFF for a, b in zip(s, start))
        counter += 1


def stream(seed, purpose, index):
    return chacha8_words(struct.pack("<Q8sQQ", seed, purpose.ljust(8).encode(), index, 0))


def below(words, bound):
    """Lemire's method: reject what would make the first values of the range likelier."""
    while True:
        product = next(words) * bound
        if product % 2**32 >= 2**32 % bound:
            return product >> 32


def shuffle(words, rows):
    for last in range(len(rows) - 1, 0, -1):
        chosen = below(words, last + 1)
        rows[last], rows[chosen] = rows[chosen], rows[last]
    return rows


def draw_equal_shares(labels, classes, train, validation, seed, draw):
    words = stream(seed, "labels", draw)
    favoured = shuffle(words, list(range(classes)))
    result = [], []
    for label in range(classes):
        rows = shuffle(words, [row for row, of in enumerate(labels) if of == label])
        first = train // classes + (label in favoured[: train % classes])
        last = validation // classes + (label in favoured[::-1][: validation % classes])
        result[0].extend(rows[:first])
        result[1].extend(rows[len(rows) - last :])
    return sorted(result[0]), sorted(result[1])


def split(labels, billionths, seed, spread):
    """Rows of train, validation and test. Remainders go by their size, ties to train, test,
    validation in that order."""
    places = [0] * len(labels)
    classes = max(labels) + 1
    for label in list(range(classes)) + ([-1] if spread else []):
        rows = [row for row, of in enumerate(labels) if of == label]
        counts = [share * len(rows) // 10**9 for share in billionths]
        left = [share * len(rows) % 10**9 for share in billionths]
        for place in sorted((0, 2, 1), key=lambda place: -left[place])[: len(rows) - sum(counts)]:
            counts[place] += 1
        order = shuffle(stream(seed, "split", classes if label < 0 else label), rows)
        for place, count in enumerate(counts):
            for row in order[sum(counts[:place]) :][:count]:
                places[row] = place
    return [[row for row, of in enumerate(places) if of == place] for place in range(3)]


print(
    "zero key:",
    struct.pack(
        "<2I", *(next(words) for words in [chacha8_words(bytes(32))] for _ in range(2))
    ).hex(),
)
print("shuffled(10, 0, 0):", shuffle(stream(0, "shuffle", 0), list(range(10))))
print("shuffled(10, 7, 3):", shuffle(stream(7, "shuffle", 3), list(range(10))))
whole = shuffle(stream(2**64 - 1, "shuffle", 2**63), list(range(60_000)))
print("shuffled(60_000, u64::MAX, 1 << 63):", whole[:4], "...", whole[-4:])
order = shuffle(stream(5, "holdout", 0), list(range(12)))
print("holdout(12, 4, 5):", sorted(order[:8]), sorted(order[8:]))
labels = [row % 7 % 3 for row in range(40)]
print("draw_labels(row % 7 % 3, 3, 7, 5, 11, 2):", *draw_equal_shares(labels, 3, 7, 5, 11, 2))
labels = [-1 if row % 9 == 4 else row % 7 % 3 for row in range(45)]
shares = (600_000_000, 150_000_000, 250_000_000)
print(
    "split(row % 7 % 3, none of row % 9 = 4, 0.6 0.15 0.25, seed 5):",
    *split(labels, shares, 5, False)[1:],
)
print("the same, spread:", *split(labels, shares, 5, True)[1:])
