//! The diagram of the tables in docs/schema.md is of the tables that the migrations make.
//!
//! `make diagram` writes it anew.

use std::fmt::Write;

use system_tests::bundle::repository;
use system_tests::database::TestDatabase as Database;
use system_tests::on_each_server;

const DOCUMENT: &str = "docs/schema.md";
const BEGIN: &str = "<!-- diagram: written by `make diagram` -->\n";
const END: &str = "<!-- diagram: end -->\n";

/// Every column of the registry's tables, and the keys that it is of. Partitions are drawn as the table that they are of,
/// and the migrator's own table not at all.
const COLUMNS: &str = "
    SELECT relation.relname::text, attname::text,
           replace(replace(format_type(atttypid, atttypmod), 'character varying', 'varchar'),
                   'timestamp with time zone', 'timestamptz'),
           concat_ws(', ',
               CASE WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = relation.oid AND indisprimary AND attnum = ANY (indkey))
                    THEN 'PK' END,
               CASE WHEN EXISTS (SELECT FROM pg_constraint WHERE conrelid = relation.oid AND contype = 'f' AND attnum = ANY (conkey))
                    THEN 'FK' END,
               -- Unique by itself, and not together with others.
               CASE WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = relation.oid AND indisunique AND NOT indisprimary
                                   AND indpred IS NULL AND indkey::text = attnum::text)
                    THEN 'UK' END)
    FROM pg_class AS relation
    JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relation.relname <> '_sqlx_migrations'
    ORDER BY relation.relname COLLATE \"C\", attnum";

/// From which table to which a foreign key leads, by which columns, and how many rows may have the same in them. After
/// those, the columns that name an extension without being one.
const LINES: &str = "
    WITH lines AS (
        SELECT 0 AS rank, conrelid AS referrer, confrelid AS referred, '||--' AS line, conkey AS columns
        FROM pg_constraint
        WHERE contype = 'f'
        UNION ALL
        SELECT 1, attrelid, 'public.extensions'::regclass, '|o..', ARRAY[attnum]
        FROM pg_attribute
        WHERE attname = 'extension_id' AND NOT EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'f' AND attnum = ANY (conkey))
    )
    SELECT relation.relname::text, referred::regclass::text,
           line || CASE WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = referrer AND indisunique AND indpred IS NULL
                                       AND indkey::text = array_to_string(columns, ' '))
                        THEN 'o|' ELSE 'o{' END,
           (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = referrer AND attnum = ANY (columns))
    FROM lines
    JOIN pg_class AS relation ON relation.oid = referrer
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    ORDER BY rank, relation.relname COLLATE \"C\", columns";

/// One query's rows of four values.
async fn rows(database: &Database, query: &str) -> Vec<[String; 4]> {
    let rows = database.rows(query).await.into_iter();
    rows.map(|row| {
        let values: Vec<String> = row.into_iter().map(Option::unwrap).collect();
        values.try_into().expect("four values")
    })
    .collect()
}

/// What docs/schema.md has between its markers.
async fn diagram(database: &Database) -> String {
    let mut text = String::from("```mermaid\nerDiagram\n");
    for [referrer, referred, line, columns] in rows(database, LINES).await {
        writeln!(text, "    {referred} {line} {referrer} : \"{columns}\"").unwrap();
    }
    let mut drawn = String::new();
    for [table, column, kind, keys] in rows(database, COLUMNS).await {
        if table != drawn {
            let end = if drawn.is_empty() { "" } else { "    }\n" };
            writeln!(text, "{end}    {table} {{").unwrap();
            drawn = table;
        }
        let words = format!("{} {column} {keys}", kind.replace(' ', "_"));
        writeln!(text, "        {}", words.trim_end()).unwrap();
    }
    text.push_str("    }\n```\n");
    text
}

on_each_server! {
    async fn the_diagram_is_of_the_tables_that_the_migrations_make(database: TestDatabase) {
        database.migrate().await;
        let drawn = diagram(&database).await;
        let path = repository().join(DOCUMENT);
        let document = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = document.split_once(BEGIN).expect("docs/schema.md has the marker of the diagram");
        let (committed, after) = rest.split_once(END).expect("docs/schema.md has the end of the diagram");
        if std::env::var_os("UPDATE_DIAGRAM").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{drawn}{END}{after}")).unwrap();
        } else {
            assert!(committed == drawn, "the diagram in {DOCUMENT} is out of date: run `make diagram`. It should be\n{drawn}");
        }
    }
}
