//! Validates customers and converts them to columns.

use std::sync::Arc;

use crate::error::{IssueCode, RecordKind, Result, excerpt};
use crate::input::attributes::AttributeDrafts;
use crate::input::check::{Checked, Found};
use crate::input::directory::Directory;
use crate::input::events::known_at;
use crate::input::fields::id;
use crate::input::order::{gather, order};
use crate::input::quality;
use crate::input::reader::{PIECE, TableReader};
use crate::input::table::Table;
use crate::parallel::Workers;
use crate::record::{ALWAYS, Customers, NEVER, TenantId, TextColumn};

/// The accepted customers, with an index by id.
pub(crate) struct KnownCustomers {
    pub(crate) customers: Customers,
    pub(crate) directory: Directory,
}

/// Reads the customers table. Returns the accepted customers, the row counts, and the issues of the rows that are not
/// accepted.
pub(crate) fn clean(batches: Vec<Table>, tenant: &TenantId, workers: &Workers) -> Result<(KnownCustomers, Checked)> {
    let mut reader = TableReader::new(RecordKind::Customers, batches, workers)?;
    reader.require_columns();
    reader.tenant(tenant)?;
    let ids = reader.texts("customer_id", id)?;
    let signed_up_at = reader.moments("signed_up_at")?;
    let churned_at = reader.moments("churned_at")?;
    let notice_at = reader.moments("notice_at")?;
    let renews_at = match reader.has("renews_at") {
        true => Some(reader.moments("renews_at")?),
        false => None,
    };
    let dated = reader.has("valid_from");
    let mut valid_from = reader.moments("valid_from")?;
    workers.chunks_mut(&mut valid_from, PIECE, |start, valid_from| {
        for (own, &signed_up_at) in valid_from.iter_mut().zip(&signed_up_at[start..]) {
            if *own == NEVER {
                *own = signed_up_at;
            }
        }
        Ok(())
    })?;
    let known_at = known_at(&mut reader)?;
    reader.ends("churned_at", &churned_at, "signed_up_at", &signed_up_at)?;
    let attributes = AttributeDrafts::read(&mut reader)?;

    // The code of a customer is the rank of their id when the ids of all accepted rows are sorted by bytes.
    let accepted: Vec<u32> = {
        let bad = reader.check.bad();
        (0..reader.rows as u32).filter(|&row| !bad[row as usize]).collect()
    };
    let TextColumn { codes, levels } = ids.gather(&accepted, workers)?;
    workers.check()?;
    let directory = Directory::of(&levels, workers)?;
    let mut customers = vec![0u32; reader.rows];
    for (&row, &code) in accepted.iter().zip(&codes) {
        customers[row as usize] = code;
    }
    drop((accepted, codes));

    let version = |row: u32| {
        let row = row as usize;
        let known_at = known_at.as_ref().map_or(ALWAYS, |known| known[row]);
        (signed_up_at[row], valid_from[row], known_at)
    };
    let count = levels.len();
    let sorted = order(&customers, count, reader.check.bad(), version, workers)?;
    workers.check()?;
    let column = reader.check.column("customer_id");
    let twice = sorted.rows.windows(2).filter(|pair| {
        customers[pair[0] as usize] == customers[pair[1] as usize] && version(pair[0]) == version(pair[1])
    });
    let twice: Vec<Found> = twice
        .map(|pair| Found {
            row: pair[1] as usize,
            column,
            code: IssueCode::DuplicateVersion,
            message: format!(
                "this version of customer '{}' was given before: same signed_up_at, valid_from and known_at",
                excerpt(levels.get(customers[pair[1] as usize] as usize))
            ),
        })
        .collect();
    // If several rows of a customer have the same `signed_up_at`, `valid_from` and `known_at`, the first of these rows
    // is accepted. Every customer therefore keeps at least one row.
    let sorted = match twice.is_empty() {
        true => sorted,
        false => {
            reader.check.add(twice);
            order(&customers, count, reader.check.bad(), version, workers)?
        }
    };
    drop(customers);
    let rows = sorted.rows;
    let gathered = |column: Vec<i64>| gather(&column, &rows, workers);
    let renews_at = match renews_at {
        None => None,
        Some(renews_at) => Some(gathered(renews_at)?),
    };
    let known_at = match known_at {
        None => None,
        Some(known) => Some(gathered(known)?).filter(|known| known.iter().any(|&at| at != ALWAYS)),
    };
    let given = reader.given();
    let mut customers = Customers {
        ids: Arc::new(levels),
        starts: sorted.starts,
        signed_up_at: gathered(signed_up_at)?,
        churned_at: gathered(churned_at)?,
        notice_at: gathered(notice_at)?,
        renews_at,
        valid_from: gathered(valid_from)?,
        known_at,
        dated,
        attributes: attributes.gather(&rows, workers)?,
        returning: false,
        reopened: false,
    };
    workers.check()?;
    customers.find_spells();
    workers.check()?;
    let names = reader.names().to_vec();
    let mut checked = reader.check.finish(&given, workers)?;
    let has = |name: &str| names.iter().any(|known| &**known == name);
    checked
        .findings
        .extend(quality::of_customers(&customers, has, |row| given(rows[row] as usize)));
    Ok((KnownCustomers { customers, directory }, checked))
}
