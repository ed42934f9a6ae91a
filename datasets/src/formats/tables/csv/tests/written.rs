//! Rows that are written and read back.

use super::*;
use crate::formats::tables::cell::TableCell;

/// What is written reads back: floats to their bits, texts to their characters.
#[test]
fn written_rows_read_back() {
    // Of all exponents; none is NaN or infinite.
    let numbers = (0..2_000_000_u32).map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761)));
    let numbers: Vec<f32> = numbers.filter(|number| number.is_finite()).collect();
    let texts = ["plain", "a,b", "\"q\"", "two\nlines", "ü", "it's", "a\"b"];
    let mut writer = CsvWriter::new(Vec::new(), &["n", "te\"xt", "row"]).unwrap();
    for (row, &number) in numbers.iter().enumerate() {
        let text = texts[row % texts.len()];
        writer
            .row(&[TableCell::Number(number), TableCell::Text(text), TableCell::Whole(row as u64)])
            .unwrap();
    }
    writer.row(&[TableCell::Number(f32::NAN), TableCell::Missing, TableCell::Whole(0)]).unwrap();
    let text = writer.finish().unwrap();

    let mut table = table(&text, &TableOptions::default()).unwrap();
    assert_eq!(table.column_names(), ["n", "te\"xt", "row"]);
    let mut row = 0;
    let read = table.for_each_row(&mut |_, cells| {
        match (numbers.get(row), cells) {
            (Some(&number), [Cell::Number(read), Cell::Text(text), Cell::Number(at)]) => {
                assert_eq!(
                    (*read as f32).to_bits(),
                    number.to_bits(),
                    "{number:e} came back as {read:e}"
                );
                assert_eq!((*text, *at), (texts[row % texts.len()], row as f64));
            }
            (None, cells) => assert_eq!(cells, [Cell::Missing, Cell::Missing, Cell::Number(0.0)]),
            (_, cells) => panic!("row {row} came back as {cells:?}"),
        }
        row += 1;
        Ok(())
    });
    read.unwrap();
    assert_eq!(row, numbers.len() + 1);
}

#[test]
fn read_rows_write_back_to_the_same_text() {
    let text = "age,colour,\"a,b\"\n0.1,red,1\n,,16777216\n-3.4028235e38,\"say \"\"hi\"\"\",1e-7\n";
    let mut table = table(text.as_bytes(), &TableOptions::default()).unwrap();
    let names: Vec<String> = table.column_names().to_vec();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut writer = CsvWriter::new(Vec::new(), &names).unwrap();
    let copied = table.for_each_row(&mut |_, cells| {
        let cell = |cell: &Cell<'_>| match *cell {
            Cell::Missing => TableCell::Missing,
            Cell::Number(number) => TableCell::Number(number as f32),
            Cell::Text(_) => TableCell::Text(""),
        };
        let mut row: Vec<TableCell> = cells.iter().map(cell).collect();
        if let Cell::Text(text) = cells[1] {
            row[1] = TableCell::Text(text);
        }
        writer.row(&row).map_err(|error| Error::io(Path::new("out"), error))
    });
    copied.unwrap();
    assert_eq!(String::from_utf8(writer.finish().unwrap()).unwrap(), text);
    // One column: an empty cell is told from an empty line.
    let mut writer = CsvWriter::new(Vec::new(), &["a"]).unwrap();
    writer.row(&[TableCell::Missing]).unwrap();
    writer.row(&[TableCell::Number(2.0)]).unwrap();
    assert_eq!(writer.finish().unwrap(), b"a\n\"\"\n2\n");
}
