//! Validates tables by means of the core, and converts them to the columns that are stored.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use churn_core::{
    Cell, Column, IssueCode, OnInvalid, RecordKind, Table, TenantId, TenantRecords, Timestamp, ValidationReport, Value,
    columns_of,
};
use sha2::{Digest, Sha256};

use crate::engine::{Holds, Stored, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::layout::{ALWAYS, id_column, slots};

/// A batch in stored form, with one column for each slot of its record kind.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) columns: Vec<Stored>,
    pub(crate) rows: usize,
    /// The names of the input columns that were given.
    pub(crate) given: Vec<String>,
}

/// For each hash of row content, how many rows with this content an import has had so far.
pub(crate) type Seen = HashMap<[u8; 16], u32>;

/// Issues about conflicts with other rows. They are ignored here, because they are reported when all records are
/// loaded.
const LATER: [IssueCode; 4] = [
    IssueCode::DuplicateId,
    IssueCode::DuplicateVersion,
    IssueCode::UnknownCustomer,
    IssueCode::MixedCurrency,
];

/// Validates a batch by the core's rules; returns the positions of the invalid rows.
pub(crate) fn check(
    kind: RecordKind,
    table: &Table,
    tenant: &TenantId,
    policy: OnInvalid,
) -> Result<(HashSet<usize>, ValidationReport)> {
    let builder = TenantRecords::builder(tenant.clone()).on_invalid(OnInvalid::Quarantine);
    let builder = match kind {
        RecordKind::Customers => builder.customers(table.clone()),
        // Customers may be stored in another batch, so the check adds a customer for every id in the events.
        _ => builder.customers(named_customers(table)?).table(kind, table.clone()),
    };
    let (_, mut report) = builder.build()?;
    report.undated_attributes.clear();
    // Findings concern whole tables, so they are reported when the records are loaded.
    report.findings.clear();
    report
        .issues
        .retain(|issue| issue.table == kind && !LATER.contains(&issue.code));
    report.tables.retain(|(table, _)| *table == kind);
    report.issues.extend(zero_bytes(kind, table));
    report.issues.sort_by_key(|issue| issue.row);
    // An issue without a row, such as a missing column, concerns the whole table.
    let whole = report.issues.iter().any(|issue| issue.row.is_none());
    if whole || (policy == OnInvalid::Refuse && !report.issues.is_empty()) {
        return Err(Error::refused(report));
    }
    let bad: HashSet<usize> = report
        .issues
        .iter()
        .filter_map(|issue| issue.row)
        .map(|row| row as usize)
        .collect();
    for (_, counts) in &mut report.tables {
        counts.quarantined = bad.iter().map(|&row| row as u64).collect();
        counts.quarantined.sort_unstable();
        counts.rows_quarantined = bad.len() as u64;
        counts.rows_accepted = counts.rows_in - counts.rows_quarantined;
    }
    Ok((bad, report))
}

fn named_customers(table: &Table) -> Result<Table> {
    let mut ids: HashSet<String> = HashSet::new();
    for cell in table.cells("customer_id").into_iter().flatten() {
        if let Some(id) = text(cell)
            && !ids.contains(&*id)
        {
            ids.insert(id.to_string());
        }
    }
    let count = ids.len();
    let ids = Column::Values(ids.into_iter().map(Value::Text).collect());
    let signed_up = Column::Timestamps(vec![Some(Timestamp::MIN.as_micros()); count]);
    Ok(Table::new()
        .with_column("customer_id", ids)?
        .with_column("signed_up_at", signed_up)?)
}

/// Finds texts with U+0000, which Postgres cannot store. They are refused in SQLite too, so that both databases behave
/// the same.
fn zero_bytes(kind: RecordKind, table: &Table) -> Vec<churn_core::ValidationIssue> {
    let mut issues = vec![];
    for name in table.column_names() {
        for (row, cell) in table.cells(name).into_iter().flatten().enumerate() {
            if let Cell::Text(text) | Cell::TextFile(text) = cell
                && text.contains('\0')
            {
                let why = "a stored text must not contain the character U+0000";
                issues.push(churn_core::ValidationIssue::new(
                    kind,
                    row as u64,
                    name,
                    IssueCode::BadType,
                    why,
                ));
            }
        }
    }
    issues
}

/// The text of a cell. Integers become their decimal text; an empty text is kept.
fn text(cell: Cell<'_>) -> Option<std::borrow::Cow<'_, str>> {
    match cell {
        Cell::Text(text) | Cell::TextFile(text) => Some(text.into()),
        Cell::Int(value) => Some(value.to_string().into()),
        Cell::UInt(value) => Some(value.to_string().into()),
        Cell::Decimal(..) => cell.whole().map(|value| value.to_string().into()),
        _ => None,
    }
}

fn moment(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Timestamp(micros) => Some(micros),
        Cell::Text(text) | Cell::TextFile(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_micros),
        _ => None,
    }
}

fn number(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Int(value) => Some(value as f64),
        Cell::UInt(value) => Some(value as f64),
        Cell::Float(value) => Some(value),
        Cell::Decimal(value, scale) => Some(decimal(value, scale)),
        Cell::TextFile(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The number nearest to a decimal.
fn decimal(value: i128, scale: i8) -> f64 {
    format!("{value}e{}", -i32::from(scale)).parse().unwrap_or(f64::NAN)
}

/// Reads a column of texts. Equal texts share one allocation.
fn texts<'a>(cells: impl Iterator<Item = Cell<'a>>, known: &mut HashSet<Arc<str>>) -> Vec<Option<Arc<str>>> {
    cells
        .map(|cell| {
            let text = text(cell)?;
            if let Some(known) = known.get(&*text) {
                return Some(Arc::clone(known));
            }
            let own: Arc<str> = text.as_ref().into();
            // Only the first 4096 distinct texts are remembered. Most ids occur once, so remembering all of them would
            // cost more than it saves.
            if known.len() < 4096 {
                known.insert(Arc::clone(&own));
            }
            Some(own)
        })
        .collect()
}

/// The valid rows of a validated table, in stored form.
pub(crate) fn read(kind: RecordKind, table: &Table, bad: &HashSet<usize>, seen: &mut Seen) -> Result<Batch> {
    let rows = table.n_rows();
    let mut columns = Vec::with_capacity(slots(kind).len());
    let attributes = attributes(kind, table)?;
    let given = table
        .column_names()
        .filter(|name| *name != "tenant_id")
        .map(str::to_owned)
        .collect();
    for slot in slots(kind) {
        let cells = table.cells(slot.name);
        columns.push(match (slot.name, slot.holds) {
            ("attributes", _) => Stored::Texts(attributes.clone()),
            ("content_key", _) => Stored::Texts(vec![None; rows]),
            (_, Holds::Text | Holds::Json) => match cells {
                Some(cells) => Stored::Texts(texts(cells, &mut HashSet::new())),
                None => Stored::Texts(vec![None; rows]),
            },
            (_, Holds::Int) => match cells {
                Some(cells) => Stored::Ints(cells.map(moment).collect()),
                None => Stored::Ints(vec![None; rows]),
            },
            (_, Holds::Number) => match cells {
                Some(cells) => Stored::Numbers(cells.map(number).collect()),
                None => Stored::Numbers(vec![None; rows]),
            },
        });
    }
    let mut batch = Batch { columns, rows, given };
    batch.keep(|row| !bad.contains(&row));
    batch.fill_keys(kind, seen);
    Ok(batch)
}

/// For every row, its attributes as a JSON object; `None` for a row without attributes.
fn attributes(kind: RecordKind, table: &Table) -> Result<Vec<Option<Arc<str>>>> {
    let known = |name: &str| columns_of(kind).iter().any(|column| column.name == name);
    let names: Vec<&str> = table.column_names().filter(|name| !known(name)).collect();
    if names.is_empty() {
        return Ok(vec![None; table.n_rows()]);
    }
    let mut objects: Vec<BTreeMap<&str, serde_json::Value>> = vec![BTreeMap::new(); table.n_rows()];
    for &name in &names {
        let file = table.cells(name).into_iter().flatten().find(|cell| *cell != Cell::Null);
        let strictest = match file {
            Some(Cell::TextFile(_)) => strictest(table, name),
            _ => FileType::Text,
        };
        for (object, cell) in objects.iter_mut().zip(table.cells(name).into_iter().flatten()) {
            if let Some(value) = attribute(cell, strictest) {
                object.insert(name, value);
            }
        }
    }
    objects
        .iter()
        .map(|object| match object.is_empty() {
            true => Ok(None),
            false => Ok(Some(to_json(object)?.into())),
        })
        .collect()
}

/// The type of a column that was read from a text file. It is the strictest type that fits all values.
#[derive(Clone, Copy, PartialEq)]
enum FileType {
    Bool,
    Number,
    Text,
}

fn strictest(table: &Table, name: &str) -> FileType {
    let mut found = FileType::Bool;
    for cell in table.cells(name).into_iter().flatten() {
        let Cell::TextFile(text) = cell else { continue };
        let text = text.trim();
        if found == FileType::Bool && !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
            found = FileType::Number;
        }
        if found == FileType::Number && text.parse::<f64>().is_err() {
            return FileType::Text;
        }
    }
    found
}

fn attribute(cell: Cell<'_>, file: FileType) -> Option<serde_json::Value> {
    match cell {
        Cell::Bool(value) => Some(value.into()),
        Cell::Int(value) => Some(value.into()),
        Cell::UInt(value) => Some(value.into()),
        // NaN is a missing value; infinities were refused.
        Cell::Float(value) => serde_json::Number::from_f64(value).map(Into::into),
        Cell::Decimal(value, scale) => serde_json::Number::from_f64(decimal(value, scale)).map(Into::into),
        Cell::Text(text) => Some(text.into()),
        Cell::TextFile(text) => match file {
            FileType::Bool => Some(text.trim().eq_ignore_ascii_case("true").into()),
            FileType::Number => {
                let value: f64 = text.trim().parse().ok()?;
                serde_json::Number::from_f64(value).map(Into::into)
            }
            FileType::Text => Some(text.into()),
        },
        Cell::Timestamp(micros) => Timestamp::from_micros(micros).map(|at| at.to_string().into()),
        _ => None,
    }
}

impl Batch {
    fn keep(&mut self, good: impl Fn(usize) -> bool) {
        fn filter<T>(values: &mut Vec<T>, good: impl Fn(usize) -> bool) {
            let mut row = 0;
            values.retain(|_| {
                row += 1;
                good(row - 1)
            });
        }
        for column in &mut self.columns {
            match column {
                Stored::Texts(values) => filter(values, &good),
                Stored::Ints(values) => filter(values, &good),
                Stored::Numbers(values) => filter(values, &good),
            }
        }
        self.rows = (0..self.rows).filter(|&row| good(row)).count();
    }

    fn moments(&mut self, column: usize) -> &mut [Option<i64>] {
        match &mut self.columns[column] {
            Stored::Ints(values) => values,
            _ => &mut [],
        }
    }

    fn texts(&mut self, column: usize) -> &mut [Option<Arc<str>>] {
        match &mut self.columns[column] {
            Stored::Texts(values) => values,
            _ => &mut [],
        }
    }

    /// Fills the columns that identify a row and must not be null.
    fn fill_keys(&mut self, kind: RecordKind, seen: &mut Seen) {
        let known_at = slots(kind)
            .iter()
            .position(|slot| slot.name == "known_at")
            .unwrap_or_default();
        if id_column(kind).is_none() {
            // A version without `valid_from` begins at the sign-up.
            let signed_up_at = self.moments(1).to_vec();
            for (own, signed_up_at) in self.moments(2).iter_mut().zip(signed_up_at) {
                *own = own.or(signed_up_at);
            }
        } else {
            let empty: Arc<str> = "".into();
            let keys: Vec<Arc<str>> = (0..self.rows).map(|row| self.content_key(row, seen, &empty)).collect();
            for (own, key) in self.texts(1).iter_mut().zip(keys) {
                *own = Some(key);
            }
            for id in self.texts(0) {
                id.get_or_insert_with(|| Arc::clone(&empty));
            }
        }
        for own in self.moments(known_at) {
            own.get_or_insert(ALWAYS);
        }
    }

    /// The key of a row without an id: a hash of all its values, and a number that counts identical rows of the import.
    /// The key of a row with an id is empty.
    fn content_key(&self, row: usize, seen: &mut Seen, empty: &Arc<str>) -> Arc<str> {
        if let Stored::Texts(ids) = &self.columns[0]
            && ids[row].as_ref().is_some_and(|id| !id.is_empty())
        {
            return Arc::clone(empty);
        }
        let mut hasher = Sha256::new();
        for column in self.columns.iter().skip(2) {
            match column {
                Stored::Texts(values) => match &values[row] {
                    Some(text) => {
                        hasher.update([1]);
                        hasher.update((text.len() as u64).to_le_bytes());
                        hasher.update(text.as_bytes());
                    }
                    None => hasher.update([0]),
                },
                Stored::Ints(values) => match values[row] {
                    Some(at) => {
                        hasher.update([2]);
                        hasher.update(at.to_le_bytes());
                    }
                    None => hasher.update([0]),
                },
                Stored::Numbers(values) => match values[row] {
                    Some(value) => {
                        hasher.update([3]);
                        hasher.update(value.to_bits().to_le_bytes());
                    }
                    None => hasher.update([0]),
                },
            }
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&hasher.finalize()[..16]);
        let times = seen.entry(hash).or_default();
        *times += 1;
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}.{times}").into()
    }
}

/// Selects one row for each key that occurs within `rows`: the last row with the key. The result is in the order in
/// which the keys first occur.
pub(crate) fn last_of_each(kind: RecordKind, columns: &[Stored], rows: std::ops::Range<usize>) -> Vec<usize> {
    type Key<'a> = (Option<&'a str>, Option<&'a str>, [Option<i64>; 3]);
    let mut places: HashMap<Key<'_>, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<usize> = Vec::with_capacity(rows.len());
    let keys = slots(kind).iter().filter(|slot| slot.key).count();
    for row in rows {
        let (mut texts, mut moments) = ([None; 2], [None; 3]);
        let (mut text, mut moment) = (0, 0);
        for column in &columns[..keys] {
            match column {
                Stored::Texts(values) => {
                    texts[text] = values[row].as_deref();
                    text += 1;
                }
                Stored::Ints(values) => {
                    moments[moment] = values[row];
                    moment += 1;
                }
                Stored::Numbers(_) => {}
            }
        }
        match places.entry((texts[0], texts[1], moments)) {
            std::collections::hash_map::Entry::Occupied(place) => kept[*place.get()] = row,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(row);
            }
        }
    }
    kept
}

/// Refuses a text argument with U+0000.
pub(crate) fn no_zero_byte(name: &str, text: &str) -> Result<()> {
    match text.contains('\0') {
        true => Err(Error::new(
            ErrorKind::InvalidOption,
            format!("{name} may not hold the character U+0000"),
        )
        .at(None, None, Some(name))),
        false => Ok(()),
    }
}
