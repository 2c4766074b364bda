//! The company of a tenant: its name, its settings, and its sync cursors. A sync cursor is the position up to which a
//! data source was read.

use std::collections::BTreeMap;

use churn_core::Timestamp;
use serde::Serialize;

use crate::engine::{Access, Arg, TenantTx, to_json};
use crate::error::Result;
use crate::records::{ensure_company, no_zero_byte};
use crate::tenant::TenantStore;

/// The name and the settings of a tenant's company.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Company {
    /// The name, if one was set.
    pub name: Option<String>,
    /// Settings by name.
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// Reads and changes the name and the settings of a tenant's company.
#[derive(Clone, Debug)]
pub struct CompanyStore(pub(crate) TenantStore);

impl CompanyStore {
    /// Returns the name and the settings of the company. If no name was set, the name is `None`. If no settings were
    /// set, the map of settings is empty.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn get(&self) -> Result<Company> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let company = get(&mut tx).await?;
        tx.rollback().await?;
        Ok(company)
    }

    /// Sets the name of the company.
    ///
    /// # Errors
    /// `invalid_option` if the name contains U+0000; `store_unavailable`, `store_not_migrated`.
    pub async fn rename(&self, name: &str) -> Result<()> {
        no_zero_byte("name", name)?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        rename(&mut tx, name).await?;
        tx.commit().await
    }

    /// Stores a setting. If the setting exists already, its value is replaced.
    ///
    /// # Errors
    /// `invalid_option` if a text contains U+0000; `store_unavailable`, `store_not_migrated`.
    pub async fn set(&self, setting: &str, value: &serde_json::Value) -> Result<()> {
        let value = checked_json(value)?;
        no_zero_byte("setting", setting)?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        set(&mut tx, setting, &value).await?;
        tx.commit().await
    }

    /// Removes a setting. Returns whether the setting existed.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn unset(&self, setting: &str) -> Result<bool> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        let there = unset(&mut tx, setting).await?;
        tx.commit().await?;
        Ok(there > 0)
    }
}

/// Serializes a JSON value. Returns an error if one of its texts contains U+0000.
pub(crate) fn checked_json(value: &serde_json::Value) -> Result<String> {
    let text = to_json(value)?;
    // JSON writes U+0000 as the escape sequence `\u0000`. This search also finds a backslash that the text itself
    // contains before `u0000`. Such texts are rare, so they are refused as well.
    match text.contains("\\u0000") {
        true => Err(crate::error::Error::option(
            "value",
            "a stored text must not contain the character U+0000",
        )),
        false => Ok(text),
    }
}

pub(crate) async fn get(tx: &mut TenantTx) -> Result<Company> {
    const NAME: &str = "
        SELECT name
        FROM churn_companies
        WHERE tenant_id = $1";
    const SETTINGS: &str = "
        SELECT setting, value
        FROM churn_settings
        WHERE tenant_id = $1";
    let name = tx.row(NAME, &[]).await?;
    let name = name
        .map(|row| Ok::<_, crate::Error>(row.text_or_null(0)?.map(str::to_owned)))
        .transpose()?;
    let mut settings = BTreeMap::new();
    for row in tx.rows(SETTINGS, &[]).await? {
        settings.insert(row.text(0)?.to_owned(), row.json(1)?);
    }
    Ok(Company {
        name: name.flatten(),
        settings,
    })
}

pub(crate) async fn rename(tx: &mut TenantTx, name: &str) -> Result<()> {
    const RENAME: &str = "
        UPDATE churn_companies
        SET name = $2
        WHERE tenant_id = $1";
    ensure_company(tx).await?;
    tx.execute(RENAME, &[name.into()]).await?;
    Ok(())
}

pub(crate) async fn set(tx: &mut TenantTx, setting: &str, value: &str) -> Result<()> {
    const SET: &str = "
        INSERT INTO churn_settings AS t (tenant_id, setting, value)
        VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, setting) DO UPDATE
        SET value = excluded.value";
    tx.execute(SET, &[setting.into(), Arg::json(value)]).await?;
    Ok(())
}

pub(crate) async fn unset(tx: &mut TenantTx, setting: &str) -> Result<u64> {
    const UNSET: &str = "
        DELETE FROM churn_settings
        WHERE tenant_id = $1 AND setting = $2";
    tx.execute(UNSET, &[setting.into()]).await
}

/// The sync cursor of a data source: the position up to which the source was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SyncCursor {
    /// The name of the data source.
    pub source: String,
    /// The position up to which the source was read, in a format that the application chooses.
    pub position: String,
    /// When the sync cursor was set.
    pub moved_at: Timestamp,
}

/// The sync cursors of a tenant (for each data source, the position up to which it was read).
#[derive(Clone, Debug)]
pub struct CursorStore(pub(crate) TenantStore);

impl CursorStore {
    /// Returns the sync cursor of a data source; `None` if no cursor was set.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn get(&self, source: &str) -> Result<Option<SyncCursor>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let cursor = cursor(&mut tx, source).await?;
        tx.rollback().await?;
        Ok(cursor)
    }

    /// Sets the sync cursor of a data source to `position`. Pass the current time as `at`, because the store does not
    /// read the clock.
    ///
    /// # Errors
    /// `invalid_option` if a text contains U+0000; `store_unavailable`, `store_not_migrated`.
    pub async fn set(&self, source: &str, position: &str, at: Timestamp) -> Result<()> {
        no_zero_byte("source", source)?;
        no_zero_byte("position", position)?;
        let mut tx = self.0.begin_session(Access::Write).await?;
        move_cursor(&mut tx, source, position, at).await?;
        tx.commit().await
    }
}

pub(crate) async fn cursor(tx: &mut TenantTx, source: &str) -> Result<Option<SyncCursor>> {
    const CURSOR: &str = "
        SELECT source, position, moved_at
        FROM churn_sync_cursors
        WHERE tenant_id = $1 AND source = $2";
    let row = tx.row(CURSOR, &[source.into()]).await?;
    row.map(|row| {
        Ok(SyncCursor {
            source: row.text(0)?.to_owned(),
            position: row.text(1)?.to_owned(),
            moved_at: row.at(2)?,
        })
    })
    .transpose()
}

pub(crate) async fn move_cursor(tx: &mut TenantTx, source: &str, position: &str, at: Timestamp) -> Result<()> {
    const MOVE: &str = "
        INSERT INTO churn_sync_cursors AS t (tenant_id, source, position, moved_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, source) DO UPDATE
        SET position = excluded.position, moved_at = excluded.moved_at";
    tx.execute(MOVE, &[source.into(), position.into(), Arg::at(at)]).await?;
    Ok(())
}
