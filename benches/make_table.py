#!/usr/bin/env python3
"""Writes the table of 3,000 insects that do not exist, 5 % of them labelled, which the README
reports on: make_table.py > t.csv"""

import random

random.seed(3)
print('id,age,size,colour,"kind of coat",weight,label')
for row in range(3000):
    kind = random.randrange(3)
    age, size = random.gauss(3 + 2 * kind, 1), random.gauss(10 + 5 * kind, 2)
    colour = random.choice(["red", "blue", "grün"] if kind else ["red", "black"])
    coat = random.choice(["short", "long"])
    weight = 2 * size + age / 2 + random.gauss(0, 0.3)
    label = ["ant", "bee", "cat"][kind] if random.random() < 0.05 else ""
    # Three cells in a hundred are missing.
    age, size, weight = (
        "" if random.random() < 0.03 else f"{value:.2f}" for value in (age, size, weight)
    )
    print(f"{row},{age},{size},{colour},{coat},{weight},{label}")
