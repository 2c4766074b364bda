//! The models of a tenant: their bytes, their metadata, and their stages.

use churn_core::{ChurnModel, Timestamp, names};
use serde::Serialize;

use crate::engine::{Access, Arg, Row, TenantTx, to_json};
use crate::error::{Error, ErrorKind, Result};
use crate::records::off_thread;
use crate::tenant::TenantStore;

names! {
    /// The stage of a model.
    pub enum Stage: "stage" {
        /// The model that is in use. A tenant has at most one champion.
        Champion = "champion",
        /// A model that is compared with the champion.
        Challenger = "challenger",
        /// A model that was in use in the past.
        Retired = "retired",
    }
}

/// The metadata of a stored model. The model itself is not loaded when its metadata are read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoredModel {
    /// The id of the model: the hash of its content.
    pub id: String,
    /// The stage of the model.
    pub stage: Stage,
    /// When the model was saved.
    pub saved_at: Timestamp,
    /// A JSON object with the model's definition of churn, its features and its training report.
    pub card: serde_json::Value,
}

/// The stored models of a tenant.
#[derive(Clone, Debug)]
pub struct ModelStore(pub(crate) TenantStore);

impl ModelStore {
    /// Stores a model. If the model is stored already, it keeps the time at which it was first stored, and gets the new
    /// stage. If the model becomes the champion (the model in use), the stage of the previous champion becomes
    /// [`Stage::Retired`].
    ///
    /// # Errors
    /// `tenant_mismatch` if the model belongs to another tenant; `store_unavailable`, `store_not_migrated`.
    pub async fn save(&self, model: &ChurnModel, stage: Stage, at: Timestamp) -> Result<()> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        save(&mut tx, model, stage, at).await?;
        tx.commit().await
    }

    /// Loads a model from the store.
    ///
    /// # Errors
    /// `not_found`; `artifact_damaged` if the stored bytes are damaged; `artifact_version` if they have an unsupported
    /// format version; `store_unavailable`.
    pub async fn load(&self, id: &str) -> Result<ChurnModel> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let bytes = artifact(&mut tx, id).await?;
        tx.rollback().await?;
        let bytes = bytes.ok_or_else(|| missing(id))?;
        Ok(off_thread(move || ChurnModel::from_bytes(&bytes)).await??)
    }

    /// Loads the champion (the model in use); `None` if the tenant has no champion.
    ///
    /// # Errors
    /// See [`load`](Self::load).
    pub async fn champion(&self) -> Result<Option<ChurnModel>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let bytes = champion_bytes(&mut tx).await?;
        tx.rollback().await?;
        match bytes {
            None => Ok(None),
            Some(bytes) => Ok(Some(off_thread(move || ChurnModel::from_bytes(&bytes)).await??)),
        }
    }

    /// Returns the metadata of a model; `None` if the model does not exist.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn get(&self, id: &str) -> Result<Option<StoredModel>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let model = get(&mut tx, id).await?;
        tx.rollback().await?;
        Ok(model)
    }

    /// Changes the stage of a model. If the model becomes the champion, the stage of the previous champion becomes
    /// [`Stage::Retired`].
    ///
    /// # Errors
    /// `not_found`; `store_unavailable`, `store_not_migrated`.
    pub async fn promote(&self, id: &str, stage: Stage) -> Result<()> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        promote(&mut tx, id, stage).await?;
        tx.commit().await
    }

    /// Returns the metadata of all models, most recently saved first.
    ///
    /// # Errors
    /// `store_unavailable`, `store_not_migrated`.
    pub async fn list(&self) -> Result<Vec<StoredModel>> {
        let mut tx = self.0.begin_session(Access::Read).await?;
        let models = list(&mut tx).await?;
        tx.rollback().await?;
        Ok(models)
    }

    /// Deletes a model. Scores that were computed with the model are not deleted.
    ///
    /// # Errors
    /// `not_found`; `store_unavailable`, `store_not_migrated`.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let mut tx = self.0.begin_session(Access::Write).await?;
        delete(&mut tx, id).await?;
        tx.commit().await
    }
}

fn missing(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no model '{id}'"))
}

async fn save(tx: &mut TenantTx, model: &ChurnModel, stage: Stage, at: Timestamp) -> Result<()> {
    if let Some(owner) = model.tenant()
        && owner != tx.tenant()
    {
        let message = format!("the model belongs to another tenant than '{}'", tx.tenant());
        return Err(Error::new(ErrorKind::TenantMismatch, message));
    }
    let card = to_json(&serde_json::json!({
        "definition": model.definition(),
        "features": model.feature_names(),
        "report": model.report(),
        "shared": model.tenant().is_none(),
    }))?;
    save_bytes(tx, model.id(), &model.to_bytes(), &card, stage, at).await
}

pub(crate) async fn save_bytes(
    tx: &mut TenantTx,
    id: &str,
    bytes: &[u8],
    card: &str,
    stage: Stage,
    at: Timestamp,
) -> Result<()> {
    const SAVE: &str = "
        INSERT INTO churn_models AS t (tenant_id, model_id, stage, saved_at, card, artifact)
        VALUES ($1, $2, 'challenger', $3, $4, $5)
        ON CONFLICT (tenant_id, model_id) DO NOTHING";
    let args = [id.into(), Arg::at(at), Arg::json(card), Arg::Bytes(bytes)];
    tx.execute(SAVE, &args).await?;
    promote(tx, id, stage).await
}

pub(crate) async fn promote(tx: &mut TenantTx, id: &str, stage: Stage) -> Result<()> {
    const RETIRE: &str = "
        UPDATE churn_models
        SET stage = 'retired'
        WHERE tenant_id = $1 AND stage = 'champion' AND model_id <> $2";
    const PROMOTE: &str = "
        UPDATE churn_models
        SET stage = $3
        WHERE tenant_id = $1 AND model_id = $2";
    // This call locks the row of the tenant's company. Concurrent calls that change a stage therefore run one after
    // another.
    crate::records::places(tx, 0).await?;
    if stage == Stage::Champion {
        tx.execute(RETIRE, &[id.into()]).await?;
    }
    match tx.execute(PROMOTE, &[id.into(), stage.as_str().into()]).await? {
        0 => Err(missing(id)),
        _ => Ok(()),
    }
}

pub(crate) async fn artifact(tx: &mut TenantTx, id: &str) -> Result<Option<Vec<u8>>> {
    const ARTIFACT: &str = "
        SELECT artifact
        FROM churn_models
        WHERE tenant_id = $1 AND model_id = $2";
    let row = tx.row(ARTIFACT, &[id.into()]).await?;
    row.map(|row| Ok(row.bytes(0)?.to_vec())).transpose()
}

pub(crate) async fn champion_bytes(tx: &mut TenantTx) -> Result<Option<Vec<u8>>> {
    const CHAMPION: &str = "
        SELECT artifact
        FROM churn_models
        WHERE tenant_id = $1 AND stage = 'champion'";
    let row = tx.row(CHAMPION, &[]).await?;
    row.map(|row| Ok(row.bytes(0)?.to_vec())).transpose()
}

fn stored(row: &Row) -> Result<StoredModel> {
    Ok(StoredModel {
        id: row.text(0)?.to_owned(),
        stage: row.text(1)?.parse()?,
        saved_at: row.at(2)?,
        card: row.json(3)?,
    })
}

pub(crate) async fn get(tx: &mut TenantTx, id: &str) -> Result<Option<StoredModel>> {
    const GET: &str = "
        SELECT model_id, stage, saved_at, card
        FROM churn_models
        WHERE tenant_id = $1 AND model_id = $2";
    tx.row(GET, &[id.into()]).await?.as_ref().map(stored).transpose()
}

pub(crate) async fn list(tx: &mut TenantTx) -> Result<Vec<StoredModel>> {
    const LIST: &str = "
        SELECT model_id, stage, saved_at, card
        FROM churn_models
        WHERE tenant_id = $1
        ORDER BY saved_at DESC, model_id";
    tx.rows(LIST, &[]).await?.iter().map(stored).collect()
}

pub(crate) async fn delete(tx: &mut TenantTx, id: &str) -> Result<()> {
    const DELETE: &str = "
        DELETE FROM churn_models
        WHERE tenant_id = $1 AND model_id = $2";
    crate::records::places(tx, 0).await?;
    match tx.execute(DELETE, &[id.into()]).await? {
        0 => Err(missing(id)),
        _ => Ok(()),
    }
}
