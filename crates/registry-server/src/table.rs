//! Tables for people: columns that line up, page after page, and hold no control characters.

use anstyle::Style;
use comfy_table::{
    Cell as TableCell, Color, ColumnConstraint, Row, Table as Columns, Width, presets,
};

use crate::failure::Failure;
use crate::output::Output;
use crate::terminal::{GREEN, RED, YELLOW, shown};

/// What stands in a place of a table.
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    /// The same in a colour, on a terminal.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style: Some(style),
        }
    }

    fn written(self, is_coloured: bool) -> TableCell {
        let cell = TableCell::new(shown(&self.text));
        let colour = match self.style {
            Some(GREEN) => Color::Green,
            Some(RED) => Color::Red,
            Some(YELLOW) => Color::Yellow,
            _ => return cell,
        };
        if is_coloured { cell.fg(colour) } else { cell }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            style: None,
        }
    }
}

/// A table that is written part by part, so that it may be longer than memory. A column gets no narrower from one part to
/// the next.
pub(crate) struct Table<const COLUMNS: usize> {
    header: Option<[&'static str; COLUMNS]>,
    widths: [u16; COLUMNS],
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with these headings.
    pub(crate) fn new(header: [&'static str; COLUMNS]) -> Self {
        Self {
            header: Some(header),
            widths: [0; COLUMNS],
        }
    }

    /// Writes more rows, the headings before the first.
    pub(crate) fn write(
        &mut self,
        output: &mut Output,
        rows: impl IntoIterator<Item = [Cell; COLUMNS]>,
    ) -> Result<(), Failure> {
        let text = self.part(output.is_coloured(), rows);
        output.text(&text)
    }

    fn part(
        &mut self,
        is_coloured: bool,
        rows: impl IntoIterator<Item = [Cell; COLUMNS]>,
    ) -> String {
        let mut columns = Columns::new();
        columns.load_style(presets::NOTHING).force_no_tty();
        columns.style_text_only();
        if is_coloured {
            columns.enforce_styling();
        }
        if let Some(header) = self.header.take() {
            columns.add_row(header.map(str::to_owned));
        }
        columns.add_rows(
            rows.into_iter()
                .map(|row| Row::from(row.map(|cell| cell.written(is_coloured)))),
        );
        if columns.is_empty() {
            return String::new();
        }
        for (width, widest) in self
            .widths
            .iter_mut()
            .zip(columns.column_max_content_widths())
        {
            *width = (*width).max(widest);
        }
        for (column, width) in columns.column_iter_mut().zip(self.widths) {
            // Two characters between columns.
            column.set_padding((0, 2));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(
                width.saturating_add(2),
            )));
        }
        columns.trim_fmt() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_hold_no_control_characters() {
        let mut table = Table::new(["ID", "OWNER", "ROLE"]);
        let row = |owner: &str| ["1", owner, "r"].map(Cell::from);
        assert_eq!(
            table.part(false, [row("anna"), row("b\u{1b}[2J")]),
            "ID  OWNER       ROLE\n1   anna        r\n1   b\\u{1b}[2J  r\n"
        );
        assert_eq!(
            table.part(false, [row("c\nd")]),
            "1   c\\nd        r\n",
            "the next part goes on below"
        );
        assert_eq!(table.part(false, []), "");
    }

    #[test]
    fn wide_characters_take_two_places() {
        let mut table = Table::new(["A", "B"]);
        let rows = [["例", "x"], ["ab", "y"]].map(|row| row.map(Cell::from));
        assert_eq!(table.part(false, rows), "A   B\n例  x\nab  y\n");
    }

    #[test]
    fn colour_is_around_the_text_alone() {
        // Whether there is a NO_COLOR where the tests run.
        crossterm::style::force_color_output(true);
        let mut table = Table::new(["A", "B"]);
        let row = [Cell::styled("on", GREEN), "x".into()];
        let text = table.part(true, [row]);
        assert!(text.contains("\u{1b}[38;5;10mon\u{1b}[39m"), "{text:?}");
    }
}
