//! Which tables, columns and sequences a registry has: asked of the database's catalogue, so that a table that is added
//! can't be forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::{Error, Result};

/// A table and what of it is copied.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The columns that are stored and not computed, in their order.
    pub(crate) columns: Vec<String>,
    /// What the rows are read in the order of; none where there is no key.
    #[serde(skip)]
    key: Option<String>,
}

/// Where a sequence goes on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) next_value: i64,
}

/// The one table in which entries are chained.
pub(crate) const AUDIT_LOG: &str = "extension_audit_log";

/// The one row with the chain's end.
pub(crate) const HEAD: &str = "registry_head";

/// Where this registry moved to; of this database, not of what is moved.
pub(crate) const MOVE: &str = "registry_move";

impl Table {
    /// The statement that reads the rows, in an order and a form that depend on no setting but those of [`FORM`];
    /// with `condition`, those alone that it is true of.
    pub(crate) fn copy_out(&self, condition: Option<&str>) -> String {
        let mut rows = format!(
            "SELECT {} FROM public.{} AS t",
            self.column_list(),
            quoted(&self.name)
        );
        if let Some(condition) = condition {
            // Writing to a string can't fail.
            let _ = write!(rows, " WHERE {condition}");
        }
        // The same rows are the same bytes then, whatever the server's collation.
        let order = self.key.clone().unwrap_or_else(|| {
            let columns: Vec<String> = self
                .columns
                .iter()
                .map(|column| format!("t.{}", quoted(column)))
                .collect();
            format!("ROW({})::text COLLATE \"C\"", columns.join(", "))
        });
        format!("COPY ({rows} ORDER BY {order}) TO STDOUT")
    }

    /// This table as another database has it: with its columns in that order. None if it has others.
    pub(crate) fn like(&self, other: &Self) -> Option<Self> {
        let sorted = |table: &Self| table.columns.iter().cloned().collect::<BTreeSet<_>>();
        (self.name == other.name && sorted(self) == sorted(other)).then(|| Self {
            columns: other.columns.clone(),
            ..self.clone()
        })
    }

    /// The statement that writes rows.
    pub(crate) fn copy_in(&self) -> String {
        format!(
            "COPY public.{} ({}) FROM STDIN",
            quoted(&self.name),
            self.column_list()
        )
    }

    fn column_list(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| quoted(column)).collect();
        columns.join(", ")
    }
}

/// An identifier, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the form of values depends on besides themselves. For the transaction alone.
pub(crate) const FORM: &str = "\
    SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres';
    SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// A registry's tables are those in `public` of the owner of `extensions` (each migration ends with handing them over),
/// but for the migrator's own. Partitions are read and written through the table that they are of.
const TABLES: &str = "\
    SELECT relation.relname::text AS name,
           array_agg(attname::text ORDER BY attnum) AS columns,
           -- The audit log in the order of its chain; else by the primary key, as bytes compare, because collations differ
           -- from server to server.
           CASE WHEN relation.relname = 'extension_audit_log' THEN 't.revision NULLS FIRST, t.id'
                ELSE (
                    SELECT string_agg(format(CASE WHEN key.attcollation = 0 THEN 't.%1$I' ELSE 't.%1$I COLLATE \"C\"' END, key.attname), ', ' ORDER BY place)
                    FROM pg_index, unnest(indkey) WITH ORDINALITY AS keys (number, place)
                    JOIN pg_attribute AS key ON key.attrelid = relation.oid AND key.attnum = number
                    WHERE indrelid = relation.oid AND indisprimary) END AS row_key
    FROM pg_class AS relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relation.relname <> '_sqlx_migrations'
      AND relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.extensions'))
    GROUP BY relation.oid, relation.relname
    ORDER BY relation.relname COLLATE \"C\"";

/// Which table refers to which.
const REFERENCES: &str = "\
    SELECT referrer.relname::text AS referrer, referred.relname::text AS referred
    FROM pg_constraint
    JOIN pg_class AS referrer ON referrer.oid = conrelid
    JOIN pg_class AS referred ON referred.oid = confrelid
    WHERE contype = 'f' AND referrer.relnamespace = 'public'::regnamespace AND referrer.oid <> referred.oid";

/// Reads which tables there are, those first that others refer to. None if there is no registry.
pub(crate) async fn read(connection: &mut PgConnection) -> Result<Vec<Table>> {
    let failed = |source| Error::from_query("Reading which tables there are", source);
    let rows: Vec<PgRow> = sqlx::query(TABLES)
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let mut tables = Vec::with_capacity(rows.len());
    for row in &rows {
        tables.push(Table {
            name: row.try_get("name").map_err(failed)?,
            columns: row.try_get("columns").map_err(failed)?,
            key: row.try_get("row_key").map_err(failed)?,
        });
    }
    let rows: Vec<PgRow> = sqlx::query(REFERENCES)
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let mut references: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let from: String = row.try_get("referrer").map_err(failed)?;
        let to: String = row.try_get("referred").map_err(failed)?;
        references.entry(from).or_default().insert(to);
    }
    Ok(in_order_of_reference(tables, &references))
}

/// Those first that others refer to; of a circle, which can't be put in order, as they come.
fn in_order_of_reference(
    mut tables: Vec<Table>,
    references: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let is_ready = |table: &Table| {
            references
                .get(&table.name)
                .is_none_or(|referred| tables.iter().all(|other| !referred.contains(&other.name)))
        };
        let position = tables.iter().position(is_ready).unwrap_or_default();
        ordered.push(tables.remove(position));
    }
    ordered
}

/// Where the sequences go on. Read after the snapshot was taken: their values are of no snapshot, and only grow.
pub(crate) async fn read_sequences(connection: &mut PgConnection) -> Result<Vec<Sequence>> {
    let failed = |source| Error::from_query("Reading the sequences", source);
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT sequence.relname::text FROM pg_class AS sequence
         JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = sequence.oid AND refclassid = 'pg_class'::regclass
              AND deptype IN ('a', 'i')
         JOIN pg_class AS relation ON relation.oid = refobjid
         WHERE sequence.relkind = 'S' AND sequence.relnamespace = 'public'::regnamespace
           AND relation.relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.extensions'))
         ORDER BY 1",
    )
    .persistent(false)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let mut sequences = Vec::with_capacity(names.len());
    for name in names {
        let statement = format!(
            "SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM public.{}",
            quoted(&name)
        );
        let next_value = sqlx::query_scalar(AssertSqlSafe(statement))
            .persistent(false)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        sequences.push(Sequence { name, next_value });
    }
    Ok(sequences)
}

/// How many rows a table has.
pub(crate) async fn count_rows(connection: &mut PgConnection, table: &Table) -> Result<u64> {
    let statement = format!("SELECT count(*) FROM public.{}", quoted(&table.name));
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(|source| Error::from_query("Counting the rows", source))?;
    Ok(count.unsigned_abs())
}

/// Whether the login may read every one of them.
pub(crate) async fn may_read_all(connection: &mut PgConnection, tables: &[Table]) -> Result<bool> {
    let names: Vec<String> = tables
        .iter()
        .map(|table| format!("public.{}", quoted(&table.name)))
        .collect();
    sqlx::query_scalar("SELECT coalesce(bool_and(has_table_privilege(name, 'SELECT')), true) FROM unnest($1::text[]) AS name")
        .bind(names)
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(|source| Error::from_query("Reading the permissions", source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        Table {
            name: name.into(),
            columns: vec!["a".into(), "b\"".into()],
            key: Some("t.a".into()),
        }
    }

    #[test]
    fn what_is_referred_to_comes_first_and_a_circle_ends() {
        let references = BTreeMap::from([
            ("a".to_owned(), BTreeSet::from(["c".to_owned()])),
            (
                "b".to_owned(),
                BTreeSet::from(["a".to_owned(), "other".to_owned()]),
            ),
        ]);
        let names = |tables: Vec<Table>| {
            tables
                .into_iter()
                .map(|table| table.name)
                .collect::<Vec<_>>()
        };
        let ordered = in_order_of_reference(["a", "b", "c"].map(table).into(), &references);
        assert_eq!(names(ordered), ["c", "a", "b"]);
        let circle = BTreeMap::from([
            ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
            ("b".to_owned(), BTreeSet::from(["a".to_owned()])),
        ]);
        assert_eq!(
            in_order_of_reference(["a", "b"].map(table).into(), &circle).len(),
            2
        );
    }

    #[test]
    fn columns_come_in_the_order_of_the_other_and_others_are_none() {
        let other = Table {
            columns: vec!["b\"".into(), "a".into()],
            ..table("t")
        };
        assert_eq!(table("t").like(&other).unwrap().columns, other.columns);
        assert!(table("t").like(&table("u")).is_none());
        let less = Table {
            columns: vec!["a".into()],
            ..table("t")
        };
        assert!(table("t").like(&less).is_none());
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(
            table("t").copy_out(Some("t.a > 1")),
            "COPY (SELECT \"a\", \"b\"\"\" FROM public.\"t\" AS t WHERE t.a > 1 ORDER BY t.a) TO STDOUT"
        );
    }
}
