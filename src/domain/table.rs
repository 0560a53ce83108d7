//! Tables: column names once, then rows of cells. Far cheaper for a model to read than a list of objects.

use schemars::JsonSchema;
use serde::Serialize;

/// A table; every row has as many cells as there are columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Table {
    /// Names of the columns, with the unit in brackets where a cell holds a quantity.
    pub columns: Vec<String>,
    /// Rows, worst or largest first; an empty cell means absent.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<const N: usize>(columns: [&str; N]) -> Self {
        Self { columns: columns.iter().map(|it| (*it).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Drops columns that hold nothing in any row, which is most of them in narrow answers.
    pub fn drop_empty_columns(&mut self) {
        for index in (0..self.columns.len()).rev() {
            if self.rows.iter().all(|row| row.get(index).is_none_or(String::is_empty)) {
                self.columns.remove(index);
                for row in &mut self.rows {
                    if index < row.len() {
                        row.remove(index);
                    }
                }
            }
        }
    }

    /// Cuts the rows so that the table takes at most `budget` characters of JSON; returns how many were cut.
    pub fn fit(&mut self, budget: usize) -> usize {
        let mut used = self.columns.iter().map(|it| it.len() + 3).sum::<usize>() + 24;
        let mut keep = 0;
        for row in &self.rows {
            used += row.iter().map(|it| it.len() + 3).sum::<usize>() + 3;
            if used > budget {
                break;
            }
            keep += 1;
        }
        let cut = self.rows.len() - keep;
        self.rows.truncate(keep);
        cut
    }
}

/// What an answer left out, and how to get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Omitted {
    /// How many items were left out; absent when nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub count: Option<usize>,
    /// How to get them.
    pub how: String,
}

impl Omitted {
    /// `None` when nothing was left out.
    pub fn some(count: usize, how: impl Into<String>) -> Option<Self> {
        (count > 0).then(|| Self { count: Some(count), how: how.into() })
    }

    /// Something was left out, nobody knows how much.
    pub fn uncounted(how: impl Into<String>) -> Self {
        Self { count: None, how: how.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_its_budget_and_says_what_was_cut() {
        let mut table = Table::new(["name"]);
        for index in 0..100 {
            table.push([format!("row-{index:03}")]);
        }
        assert_eq!(table.fit(300), 80);
        assert!(serde_json::to_string(&table).unwrap().len() <= 300);
    }

    #[test]
    fn empty_columns_go() {
        let mut table = Table::new(["a", "b", "c"]);
        table.push(["1".into(), String::new(), "3".into()]);
        table.drop_empty_columns();
        assert_eq!(table.columns, ["a", "c"]);
        assert_eq!(table.rows, [["1", "3"]]);
    }
}
