"""Reads a Parquet file that `cargo test -p narrows-datasets --features parquet --
--ignored exports` wrote, by pyarrow, pandas and Polars, and compares them with what was written.
Usage: read_exports.py FOLDER

What the modules are missing for is skipped, loudly; with nothing to check by, this fails.
"""

import importlib
import math
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
ROWS = 1000
checked = 0


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: WHAT IT READS IS NOT CHECKED", file=sys.stderr)
        return None


def check(reader, columns):
    """`columns`: a list of values for each name."""
    global checked
    for row in range(ROWS):
        expected = {
            "row": row,
            "score": None if row % 10 == 3 else row / 4,
            "class": None if row % 5 == 0 else f"class {row % 7}",
            "pixel": row % 256,
        }
        assert set(columns) == set(expected), (reader, set(columns))
        for name, value in expected.items():
            found = columns[name][row]
            assert found == value, f"{reader}: {name}[{row}] is {found}, not {value}"
    assert all(len(values) == ROWS for values in columns.values()), reader
    print(f"{reader}: {ROWS} rows as written")
    checked += 1


def of_frame(frame):
    """pandas has NaN for what is missing of floats."""
    columns = {}
    for name in frame.columns:
        values = [value.tolist() if hasattr(value, "tolist") else value for value in frame[name]]
        if name in ("score", "class"):
            values = [
                None if not isinstance(value, str) and math.isnan(value) else value
                for value in (math.nan if value is None else value for value in values)
            ]
        columns[name] = values
    return columns


if pyarrow := module("pyarrow"):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(FOLDER / "export.parquet")
    check("pyarrow, Parquet", table.to_pydict())
    kinds = [str(kind) for kind in table.schema.types]
    assert kinds == ["uint64", "float", "string", "uint8"], kinds
    if pandas := module("pandas"):
        check("pandas, Parquet", of_frame(pandas.read_parquet(FOLDER / "export.parquet")))
if polars := module("polars"):
    check(
        "Polars, Parquet", polars.read_parquet(FOLDER / "export.parquet").to_dict(as_series=False)
    )

if not checked:
    sys.exit("neither pyarrow nor Polars is installed: NOTHING IS CHECKED")
