//! Converts batches of rows to the columns that the databases store. [`Table::check`] of `churn_core` parses and
//! validates the rows. In addition, this module refuses values that the databases cannot store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use churn_core::{
    Cell, CheckedBatch, CheckedColumn, IssueCode, OnInvalid, RecordKind, Table, TenantId, ValidationIssue,
    ValidationReport, Value,
};
use sha2::{Digest, Sha256};

use crate::engine::{Holds, Stored, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::layout::{ALWAYS, id_column, slots};

/// The maximum number of columns in one table of a tenant. The number is limited because, when rows are loaded, each
/// column takes memory for every row.
pub(crate) const MAX_COLUMNS: usize = 1000;

/// A batch that `churn_core` has validated.
pub(crate) struct Parsed {
    batch: CheckedBatch,
    /// For each accepted row, its position in the input.
    positions: Vec<u64>,
}

/// The columns of a batch as the database stores them, in the order that the function `slots` returns.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) columns: Vec<Stored>,
    pub(crate) rows: usize,
    /// The names of the columns in the caller's batch, each with the type of the attribute. The type is `None` for a
    /// column that is not an attribute, and for an attribute without any value.
    pub(crate) given: Vec<(String, Option<&'static str>)>,
    pub(crate) report: ValidationReport,
}

/// Counts identical rows of an import. The map contains, for each hash of a row's values, the number of rows with this
/// hash in the import so far.
pub(crate) type Seen = HashMap<[u8; 16], u32>;

/// Validates a batch by the rules of `churn_core`, and refuses values that the databases cannot store.
pub(crate) fn parse(kind: RecordKind, table: Table, tenant: &TenantId) -> Result<Parsed> {
    let own = not_storable(kind, &table);
    let rows = table.n_rows() as u64;
    let mut batch = table.check(kind, tenant, OnInvalid::Quarantine)?;
    let core: HashSet<u64> = batch.report.issues.iter().filter_map(|issue| issue.row).collect();
    let positions: Vec<u64> = (0..rows).filter(|row| !core.contains(row)).collect();
    batch.report.issues.extend(own);
    Ok(Parsed { batch, positions })
}

/// Finds values that the databases cannot store exactly. Postgres cannot store a text with U+0000. Both databases
/// sometimes lose the sign of -0.0. Texts with U+0000, and the number -0.0, are refused in both databases, so that both
/// databases store the same rows.
fn not_storable(kind: RecordKind, table: &Table) -> Vec<ValidationIssue> {
    let mut issues = vec![];
    for name in table.column_names() {
        for (row, cell) in table.cells(name).into_iter().flatten().enumerate() {
            let (code, why) = match cell {
                Cell::Text(text) | Cell::TextFile(text) if text.contains('\0') => (
                    IssueCode::BadType,
                    "a stored text must not contain the character U+0000",
                ),
                Cell::Float(value) if value == 0.0 && value.is_sign_negative() => {
                    (IssueCode::OutOfRange, "the sign of -0.0 cannot be stored: write 0")
                }
                _ => continue,
            };
            issues.push(ValidationIssue::new(kind, row as u64, name, code, why));
        }
    }
    issues
}

fn type_of(column: &CheckedColumn) -> Option<&'static str> {
    match column {
        CheckedColumn::NumberAttribute(_) => Some("number"),
        CheckedColumn::TextAttribute(_) => Some("text"),
        CheckedColumn::BoolAttribute(_) => Some("bool"),
        _ => None,
    }
}

fn attribute(column: &CheckedColumn) -> Option<&[Value]> {
    match column {
        CheckedColumn::NumberAttribute(values)
        | CheckedColumn::TextAttribute(values)
        | CheckedColumn::BoolAttribute(values) => Some(values),
        _ => None,
    }
}

impl Parsed {
    /// Converts the batch to columns of the database. `types` contains the value type of each attribute that the tenant
    /// has stored.
    pub(crate) fn finish(
        self,
        types: &HashMap<String, Option<String>>,
        policy: OnInvalid,
        seen: &mut Seen,
    ) -> Result<Batch> {
        let Self { batch, positions } = self;
        let kind = batch.kind;
        let mut report = batch.report;
        let mut given = vec![];
        for (name, column) in &batch.columns {
            let (of, values) = (type_of(column), attribute(column).unwrap_or_default());
            let filled = values.iter().any(|value| *value != Value::Null);
            given.push((name.clone(), of.filter(|_| filled)));
            let (Some(of), Some(Some(known))) = (of, types.get(name)) else {
                continue;
            };
            if of == known {
                continue;
            }
            for (row, _) in values.iter().enumerate().filter(|(_, value)| **value != Value::Null) {
                let why = format!("the attribute holds {known}s in this store, this is a {of}");
                let issue = ValidationIssue::new(kind, positions[row], name, IssueCode::BadType, why);
                report.issues.push(issue);
            }
        }
        let known = types.keys().filter(|name| !name.is_empty()).map(String::as_str);
        let names: HashSet<&str> = known.chain(given.iter().map(|(name, _)| name.as_str())).collect();
        if names.len() > MAX_COLUMNS {
            let why = format!(
                "a table of a tenant may have at most {MAX_COLUMNS} columns, this would be {}",
                names.len()
            );
            let kind_of_error = ErrorKind::Core(churn_core::ErrorKind::UnreadableTable);
            return Err(Error::new(kind_of_error, why).at(Some(kind), None, None));
        }
        report.issues.sort_by_key(|issue| issue.row);
        if policy == OnInvalid::Refuse && !report.issues.is_empty() {
            return Err(Error::refused(report));
        }
        let bad: HashSet<u64> = report.issues.iter().filter_map(|issue| issue.row).collect();
        for (_, counts) in &mut report.tables {
            counts.quarantined = bad.iter().copied().collect();
            counts.quarantined.sort_unstable();
            counts.rows_quarantined = bad.len() as u64;
            counts.rows_accepted = counts.rows_in - counts.rows_quarantined;
        }

        let rows = batch.n_rows;
        let attributes = attributes(&batch.columns, rows)?;
        let find = |name: &str| {
            batch
                .columns
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, column)| column)
        };
        let slot = |name: &str, holds: Holds| match (name, find(name)) {
            ("attributes", _) => Ok(Stored::Texts(attributes.clone())),
            ("content_key", _) => Ok(Stored::Texts(vec![None; rows])),
            (_, None) => Ok(match holds {
                Holds::Text | Holds::Json => Stored::Texts(vec![None; rows]),
                Holds::Int => Stored::Ints(vec![None; rows]),
                Holds::Number => Stored::Numbers(vec![None; rows]),
            }),
            (_, Some(CheckedColumn::Texts(values))) => Ok(Stored::Texts(values.clone())),
            (_, Some(CheckedColumn::Timestamps(values))) => Ok(Stored::Ints(values.clone())),
            (_, Some(CheckedColumn::Numbers(values))) => Ok(Stored::Numbers(values.clone())),
            (_, Some(other)) => {
                let why = format!("column '{name}' came as {:?}", type_of(other));
                Err(Error::new(ErrorKind::Internal, why).at(Some(kind), None, Some(name)))
            }
        };
        let columns = slots(kind)
            .iter()
            .map(|own| slot(own.name, own.holds))
            .collect::<Result<_>>()?;
        let mut stored = Batch {
            columns,
            rows,
            given,
            report,
        };
        if positions.iter().any(|row| bad.contains(row)) {
            stored.keep(|row| !bad.contains(&positions[row]));
        }
        stored.fill_keys(kind, seen);
        Ok(stored)
    }
}

/// Returns the attributes of each row as a JSON object; `None` for a row without attributes.
fn attributes(columns: &[(String, CheckedColumn)], rows: usize) -> Result<Vec<Option<Arc<str>>>> {
    // Columns that `churn_core` recognizes by name are not in the JSON object, because the database has a column for
    // each of them.
    let extra = columns
        .iter()
        .filter_map(|(name, column)| Some((name.as_str(), attribute(column)?)));
    let extra: Vec<(&str, &[Value])> = extra.collect();
    if extra.is_empty() {
        return Ok(vec![None; rows]);
    }
    let object = |row: usize| {
        let values = extra.iter().map(|(name, values)| (*name, &values[row]));
        let object: BTreeMap<&str, &Value> = values.filter(|(_, value)| **value != Value::Null).collect();
        match object.is_empty() {
            true => Ok(None),
            false => Ok(Some(to_json(&object)?.into())),
        }
    };
    (0..rows).map(object).collect()
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

    /// The number of events without an id. Such an event has a key that consists of all its values.
    pub(crate) fn without_id(&self) -> u64 {
        match self.columns.get(1) {
            Some(Stored::Texts(keys)) => keys.iter().flatten().filter(|key| !key.is_empty()).count() as u64,
            _ => 0,
        }
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

    /// Replaces nulls in the key columns, because these columns must not be null. A row's key identifies the row.
    fn fill_keys(&mut self, kind: RecordKind, seen: &mut Seen) {
        let known_at = slots(kind)
            .iter()
            .position(|slot| slot.name == "known_at")
            .unwrap_or_default();
        if id_column(kind).is_none() {
            // If a customer row has no `valid_from`, it is valid from the customer's sign-up.
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

    /// Returns the `content_key` of a row. If the row has an id, the key is empty. If not, the key consists of a hash
    /// of the row's values, and of the number of times that this hash has occurred in the import so far.
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

/// Returns the positions of the rows to write, in the order in which their keys first occur. If several rows within
/// `rows` have the same key, only the last of them is returned.
pub(crate) fn last_of_each(kind: RecordKind, columns: &[Stored], rows: std::ops::Range<usize>) -> Vec<usize> {
    let mut places: HashMap<Key<'_>, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<usize> = Vec::with_capacity(rows.len());
    let keys = slots(kind).iter().filter(|slot| slot.key).count();
    for row in rows {
        match places.entry(key(&columns[..keys], row)) {
            std::collections::hash_map::Entry::Occupied(place) => kept[*place.get()] = row,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(row);
            }
        }
    }
    kept
}

/// The key of a row: its texts and its times.
type Key<'a> = (Option<&'a str>, Option<&'a str>, [Option<i64>; 3]);

/// Returns the key of a row. `columns` are the columns of the key.
fn key(columns: &[Stored], row: usize) -> Key<'_> {
    let (mut texts, mut moments) = ([None; 2], [None; 3]);
    let (mut text, mut moment) = (0, 0);
    for column in columns {
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
    (texts[0], texts[1], moments)
}

/// Counts the rows that have the same key as an earlier row of the batch, but other values.
pub(crate) fn conflicts(kind: RecordKind, batch: &Batch) -> u64 {
    let keys = slots(kind).iter().filter(|slot| slot.key).count();
    let differs = |one: usize, other: usize| {
        batch.columns.iter().any(|column| match column {
            Stored::Texts(values) => values[one] != values[other],
            Stored::Ints(values) => values[one] != values[other],
            Stored::Numbers(values) => values[one].map(f64::to_bits) != values[other].map(f64::to_bits),
        })
    };
    let mut last: HashMap<Key<'_>, usize> = HashMap::with_capacity(batch.rows);
    let mut count = 0;
    for row in 0..batch.rows {
        let before = last.insert(key(&batch.columns[..keys], row), row);
        count += u64::from(before.is_some_and(|before| differs(before, row)));
    }
    count
}

/// Returns an error if a text argument contains U+0000.
pub(crate) fn no_zero_byte(name: &str, text: &str) -> Result<()> {
    match text.contains('\0') {
        true => Err(Error::new(
            ErrorKind::InvalidOption,
            format!("{name} must not contain the character U+0000"),
        )
        .at(None, None, Some(name))),
        false => Ok(()),
    }
}
