"""Writes the Parquet and Arrow files that datasets/src/formats/tables/parquet/tests.rs reads. Needs
pyarrow (made with 26.0) and pandas (3.1)."""

import datetime
import decimal
import pathlib

import pandas
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

OUT = pathlib.Path(__file__).parent / "columnar"
OUT.mkdir(exist_ok=True)

D = decimal.Decimal
DAY = datetime.date
TIME = datetime.datetime
UTC = datetime.timezone.utc
COLORS = ["red", "green", "blue"]

columns = {
    "i8": pa.array([-128, None, 127], pa.int8()),
    "i16": pa.array([-32768, None, 32767], pa.int16()),
    "i32": pa.array([-(2**31), None, 2**31 - 1], pa.int32()),
    "i64": pa.array([-(2**53), None, 2**53 + 1], pa.int64()),
    "u8": pa.array([0, None, 255], pa.uint8()),
    "u16": pa.array([1, None, 65535], pa.uint16()),
    "u32": pa.array([2, None, 2**32 - 1], pa.uint32()),
    "u64": pa.array([3, None, 2**64 - 1], pa.uint64()),
    "f16": pa.array([0.5, None, float("nan")], pa.float16()),
    "f32": pa.array([0.1, None, float("nan")], pa.float32()),
    "f64": pa.array([0.1, None, float("nan")], pa.float64()),
    "bool": pa.array([True, None, False]),
    "text": pa.array(["cat", None, ""]),
    "large": pa.array(["dög", None, "7"], pa.large_string()),
    "view": pa.array(["a text beyond the twelve bytes of a view", None, "short"], pa.string_view()),
    "category": pa.array(["red", None, "blue"]).dictionary_encode(),
    "decimal": pa.array([D("-1.25"), None, D("12345678901234567.89")], pa.decimal128(20, 2)),
    "wide": pa.array(
        [D("0.001"), None, D("98765432109876543210987654321098765432109.5")], pa.decimal256(50, 3)
    ),
    "date": pa.array([DAY(1970, 1, 2), None, DAY(1969, 12, 31)], pa.date32()),
    "date64": pa.array([DAY(1970, 1, 2), None, DAY(2000, 1, 1)], pa.date64()),
    "seconds": pa.array(
        [TIME(2000, 1, 1), None, TIME(1969, 12, 31, 23, 59, 59)], pa.timestamp("s")
    ),
    "millis": pa.array(
        [TIME(2000, 1, 1, 0, 0, 0, 500000), None, TIME(1970, 1, 1)], pa.timestamp("ms")
    ),
    "micros": pa.array(
        [TIME(2000, 1, 1, 0, 0, 0, 250000), None, TIME(1970, 1, 1)], pa.timestamp("us")
    ),
    "nanos": pa.array(
        [TIME(2000, 1, 1, tzinfo=UTC), None, TIME(1970, 1, 1, tzinfo=UTC)],
        pa.timestamp("ns", "UTC"),
    ),
    "time": pa.array([datetime.time(0, 1), None, datetime.time(1)], pa.time32("ms")),
    "duration": pa.array(
        [datetime.timedelta(hours=1), None, datetime.timedelta(0)], pa.duration("us")
    ),
    "nothing": pa.nulls(3),
    "list": pa.array([[1.0], None, []], pa.list_(pa.float64())),
    "struct": pa.array([{"x": 1}, None, {"x": 2}]),
    "bytes": pa.array([b"\xff", None, b""]),
}
table = pa.table(columns)
codecs = ["snappy", "gzip", "lz4", "none"]
by_column = {name: codecs[place % 4] for place, name in enumerate(columns)}
by_column["list.list.element"] = by_column.pop("list")
by_column["struct.x"] = by_column.pop("struct")
pq.write_table(table, OUT / "types.parquet", compression=by_column)
pq.write_table(
    table.slice(0, 2),
    OUT / "version-2.parquet",
    compression="snappy",
    data_page_version="2.0",
    use_dictionary=False,
)
for name, compression, open_writer in [
    ("types.arrow", "lz4", pa.ipc.new_file),
    ("types.arrows", None, pa.ipc.new_stream),
]:
    with open_writer(
        OUT / name, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)
    ) as writer:
        writer.write_table(table)

small = pa.table({"x": pa.array([1.5, 2.5, 3.5]), "name": ["a", "b", None]})
pq.write_table(small, OUT / "zstd.parquet", compression={"x": "snappy", "name": "zstd"})
pq.write_table(small, OUT / "small.parquet", compression="snappy")
with pa.ipc.new_file(
    OUT / "small.arrow", small.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")
) as writer:
    writer.write_table(small)
with pa.ipc.new_file(
    OUT / "zstd.arrow", small.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
) as writer:
    # Values too few to gain from it would not be compressed.
    writer.write_table(pa.table({"x": pa.array([1.5] * 300), "name": ["a"] * 300}))

# Compressed by Zstandard: dictionaries, missing values, several groups of rows, several pages.
rows = range(300)
zstd = pa.table(
    {
        "x": pa.array([None if row % 7 == 3 else row * 0.25 for row in rows]),
        "n": pa.array([row * row for row in rows], pa.int32()),
        "color": pa.array([None if row % 11 == 5 else COLORS[row % 3] for row in rows]),
        "text": pa.array([f"text {row % 50}" for row in rows]),
        "flag": pa.array([row % 2 == 0 for row in rows]),
        "none": pa.nulls(300, pa.float64()),
    }
)
for version in ["1.0", "2.0"]:
    pq.write_table(
        zstd,
        OUT / f"zstd-rows-{version[0]}.parquet",
        compression="zstd",
        row_group_size=128,
        data_page_size=400,
        write_batch_size=50,
        data_page_version=version,
        use_dictionary=["color", "flag"],
        write_statistics=False,
    )
coded = zstd.set_column(2, "color", zstd["color"].dictionary_encode())
options = pa.ipc.IpcWriteOptions(compression="zstd")
for ending, open_writer in [("arrow", pa.ipc.new_file), ("arrows", pa.ipc.new_stream)]:
    with open_writer(OUT / f"zstd-rows.{ending}", coded.schema, options=options) as writer:
        writer.write_table(coded, max_chunksize=128)
pq.write_table(small, OUT / "brotli.parquet", compression={"x": "snappy", "name": "brotli"})

# Dictionaries that change from batch to batch, as a stream may have them.
schema = pa.schema([("color", pa.dictionary(pa.int8(), pa.string()))])
with pa.ipc.new_stream(OUT / "dictionaries.arrows", schema) as writer:
    for colors in [["red", "blue"], ["green", "red", None]]:
        writer.write_batch(
            pa.record_batch(
                [pa.array(colors).dictionary_encode().cast(schema.field(0).type)], schema
            )
        )

pq.write_table(pa.table({"x": pa.array([0.0, 1.0, float("-inf")])}), OUT / "infinite.parquet")
frame = pandas.DataFrame(
    {"width": [1.5, None], "kind": pandas.Categorical(["b", "a"]), "seen": [True, False]},
    index=["first", "second"],
)
frame.to_parquet(OUT / "pandas.parquet")
