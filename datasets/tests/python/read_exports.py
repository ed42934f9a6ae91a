"""Reads a Parquet and an Arrow file that `cargo test -p narrows-datasets --features parquet --
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


def same(value, expected):
    if isinstance(expected, float) and math.isnan(expected):
        return value is not None and math.isnan(value)
    return value == expected


def check(reader, columns):
    """`columns`: a list of values for each name."""
    global checked
    for row in range(ROWS):
        expected = {
            "row": row,
            "score": None if row % 10 == 3 else row / 4,
            "class": None if row % 5 == 0 else f"class {row % 7}",
            "pixel": row % 256,
            "code": [row * 0.5, -1.0, float("nan")],
            "image": [row % 256, 255 - row % 256],
        }
        assert set(columns) == set(expected), (reader, set(columns))
        for name, value in expected.items():
            found = columns[name][row]
            if isinstance(value, list):
                good = len(found) == len(value) and all(map(same, found, value))
            else:
                good = same(found, value)
            assert good, f"{reader}: {name}[{row}] is {found}, not {value}"
    assert all(len(values) == ROWS for values in columns.values()), reader
    print(f"{reader}: {ROWS} rows as written")
    checked += 1


def of_frame(frame):
    """pandas has NaN for what is missing of floats, and arrays for lists."""
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
    import pyarrow.ipc
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(FOLDER / "export.parquet")
    check("pyarrow, Parquet", table.to_pydict())
    kinds = [str(kind) for kind in table.schema.types]
    assert kinds[:4] == ["uint64", "float", "string", "uint8"], kinds
    assert kinds[4].startswith("fixed_size_list") and kinds[4].endswith("[3]"), kinds
    with pyarrow.ipc.open_file(FOLDER / "export.arrow") as file:
        check("pyarrow, Arrow", file.read_all().to_pydict())
    if pandas := module("pandas"):
        check("pandas, Parquet", of_frame(pandas.read_parquet(FOLDER / "export.parquet")))
        check("pandas, Arrow", of_frame(pandas.read_feather(FOLDER / "export.arrow")))
if polars := module("polars"):
    check(
        "Polars, Parquet", polars.read_parquet(FOLDER / "export.parquet").to_dict(as_series=False)
    )
    check("Polars, Arrow", polars.read_ipc(FOLDER / "export.arrow").to_dict(as_series=False))

if not checked:
    sys.exit("neither pyarrow nor Polars is installed: NOTHING IS CHECKED")
