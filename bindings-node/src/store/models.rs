//! The models of a tenant in the store.

use churn_store::{ModelStore, Stage};
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;

use super::{at, begin};
use crate::error::{raise, to_json};
use crate::model::Model;

/// The stored models of a tenant.
#[napi]
pub struct NativeModels {
    pub(super) own: ModelStore,
}

#[napi]
impl NativeModels {
    /// Stores a model.
    #[napi(catch_unwind)]
    pub fn save<'env>(&self, env: &'env Env, model: &Model, given: Object<'_>) -> Result<PromiseRaw<'env, ()>> {
        let (own, model, at) = (self.own.clone(), model.inner.get()?.clone(), at(&given)?);
        let stage = crate::options::named(&given, "stage")?.unwrap_or(Stage::Champion);
        begin(env, async move { own.save(&model, stage, at).await.map_err(raise) })
    }

    /// Loads the stored model with the given id.
    #[napi(catch_unwind)]
    pub fn load<'env>(&self, env: &'env Env, id: String) -> Result<PromiseRaw<'env, Model>> {
        let own = self.own.clone();
        begin(env, async move {
            let inner = own.load(&id).await.map_err(raise)?;
            Ok(Model::new(inner))
        })
    }

    /// Loads the champion (the model in use).
    #[napi(catch_unwind)]
    pub fn champion<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, Option<Model>>> {
        let own = self.own.clone();
        begin(env, async move {
            let found = own.champion().await.map_err(raise)?;
            Ok(found.map(Model::new))
        })
    }

    /// Returns the metadata of a model as JSON.
    #[napi(catch_unwind)]
    pub fn get<'env>(&self, env: &'env Env, id: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.get(&id).await.map_err(raise)?) })
    }

    /// Changes the stage of a model.
    #[napi(catch_unwind)]
    pub fn promote<'env>(&self, env: &'env Env, id: String, stage: String) -> Result<PromiseRaw<'env, ()>> {
        let (own, stage) = (self.own.clone(), stage.parse::<Stage>().map_err(crate::error::raise)?);
        begin(env, async move { own.promote(&id, stage).await.map_err(raise) })
    }

    /// Returns the metadata of all models as JSON.
    #[napi(catch_unwind)]
    pub fn list<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move { to_json(&own.list().await.map_err(raise)?) })
    }

    /// Deletes a model.
    #[napi(catch_unwind)]
    pub fn delete<'env>(&self, env: &'env Env, id: String) -> Result<PromiseRaw<'env, ()>> {
        let own = self.own.clone();
        begin(env, async move { own.delete(&id).await.map_err(raise) })
    }
}
