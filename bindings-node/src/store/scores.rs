//! The stored score runs of a tenant (the scores of all eligible customers at one date) and the stored outcomes.

use std::sync::Arc;

use churn_core::{Execution, RiskBand, Value};
use churn_store::{HighRisk, OutcomeStore, ReasonsFor, RunId, SaveRun, ScoreCursor, ScoreQuery, ScoreStore};
use napi::bindgen_prelude::{Object, PromiseRaw};
use napi::{Env, Result};
use napi_derive::napi;

use super::{at, begin, limit};
use crate::error::{internal, invalid_option, raise, raise_option, to_json};
use crate::model::Model;
use crate::options;
use crate::records::Records;
use crate::run::Run;

/// Reads the id of a run, which consists of the run's date and the model's id.
fn run_id(given: &Object<'_>) -> Result<RunId> {
    Ok(RunId {
        as_of: options::as_of(given)?.timestamp(),
        model_id: options::text(given, "modelId")?.ok_or_else(|| invalid_option("modelId", "is required"))?,
    })
}

/// Reads an option that is a number. The result is `None` if the option was not given.
fn number(given: &Object<'_>, name: &str) -> Result<Option<f64>> {
    match options::value(given, name)? {
        None => Ok(None),
        Some(Value::Int(value)) => Ok(Some(value as f64)),
        Some(Value::Float(value)) => Ok(Some(value)),
        Some(_) => Err(invalid_option(name, "must be a number")),
    }
}

/// The stored score runs of a tenant.
#[napi]
pub struct NativeScores {
    pub(super) own: ScoreStore,
}

#[napi]
impl NativeScores {
    /// Stores a run. Returns its id as JSON.
    #[napi(catch_unwind)]
    pub fn save<'env>(
        &self,
        env: &'env Env,
        model: &Model,
        run: &Run,
        given: Object<'_>,
        values: Option<Object<'_>>,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, model, run) = (
            self.own.clone(),
            model.inner.get()?.clone(),
            Arc::clone(run.inner.get()?),
        );
        let reasons = match options::value(&given, "reasons")? {
            Some(Value::Text(all)) if all == "all" => ReasonsFor::Everybody,
            Some(Value::Text(_)) => return Err(invalid_option("reasons", "must be a whole number or 'all'")),
            _ => match options::whole(&given, "reasons")?.unwrap_or(100) {
                0 => ReasonsFor::Nobody,
                top => ReasonsFor::Riskiest(usize::try_from(top).unwrap_or(usize::MAX)),
            },
        };
        let mut wanted = SaveRun::new(at(&given)?).with_reasons(reasons);
        wanted.purpose = options::named(&given, "purpose")?.unwrap_or_default();
        if let Some(values) = &values {
            for id in Object::keys(values)? {
                let value = number(values, &id)?.ok_or_else(|| invalid_option("values", "must hold numbers"))?;
                wanted.values.insert(id, value);
            }
        }
        begin(env, async move {
            to_json(&own.save_with(&model, &run, &wanted).await.map_err(raise)?)
        })
    }

    /// Returns summaries of the latest runs as JSON.
    #[napi(catch_unwind)]
    pub fn runs<'env>(&self, env: &'env Env, given: Object<'_>) -> Result<PromiseRaw<'env, String>> {
        let (own, limit) = (self.own.clone(), limit(&given, 100)?);
        let before = options::moment(&given, "before")?;
        begin(env, async move {
            to_json(&own.runs_before(before, limit).await.map_err(raise)?)
        })
    }

    /// Returns, as JSON, a page of the customers in a run, highest probability first.
    #[napi(catch_unwind)]
    pub fn high_risk<'env>(
        &self,
        env: &'env Env,
        given: Object<'_>,
        run: Option<Object<'_>>,
        after: Option<Object<'_>>,
    ) -> Result<PromiseRaw<'env, String>> {
        let after = after.map(|after| {
            let wrong = || invalid_option("after", "must be the `next` of the previous page");
            let probability = number(&after, "probability")?.ok_or_else(wrong)?;
            Ok::<_, napi::Error>((probability, options::text(&after, "customerId")?.ok_or_else(wrong)?))
        });
        let wanted = HighRisk {
            run: run.as_ref().map(run_id).transpose()?,
            min_probability: number(&given, "minProbability")?.unwrap_or(0.0),
            limit: limit(&given, 100)?,
            after: after.transpose()?,
        };
        let own = self.own.clone();
        begin(
            env,
            async move { to_json(&own.high_risk(&wanted).await.map_err(raise)?) },
        )
    }

    /// Returns, as JSON, a page of the scores of a run.
    #[napi(catch_unwind)]
    pub fn query<'env>(
        &self,
        env: &'env Env,
        given: Object<'_>,
        run: Option<Object<'_>>,
        after: Option<Object<'_>>,
    ) -> Result<PromiseRaw<'env, String>> {
        let after = after.map(|after| {
            let wrong = || invalid_option("after", "must be the `next` of the previous page");
            Ok::<_, napi::Error>(ScoreCursor {
                key: number(&after, "key")?,
                customer_id: options::text(&after, "customerId")?.ok_or_else(wrong)?,
            })
        });
        let bands = options::texts(&given, "bands")?.map(|names| {
            let band = |name: &String| {
                let unknown = |error| raise_option("bands", &error);
                name.parse::<RiskBand>().map_err(unknown)
            };
            names.iter().map(band).collect::<Result<Vec<_>>>()
        });
        let query = ScoreQuery {
            run: run.as_ref().map(run_id).transpose()?,
            order: options::named(&given, "order")?.unwrap_or_default(),
            bands: bands.transpose()?,
            scored: super::flag(&given, "scored")?,
            customer_ids: options::texts(&given, "customerIds")?,
            min_probability: number(&given, "minProbability")?,
            limit: limit(&given, 100)?,
            after: after.transpose()?,
            total: super::flag(&given, "total")?.unwrap_or(false),
        };
        let own = self.own.clone();
        begin(env, async move { to_json(&own.query(&query).await.map_err(raise)?) })
    }

    /// Returns, as JSON, the changes from one run to another.
    #[napi(catch_unwind)]
    pub fn changes<'env>(
        &self,
        env: &'env Env,
        from: Object<'_>,
        to: Object<'_>,
        given: Object<'_>,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, from, to) = (self.own.clone(), run_id(&from)?, run_id(&to)?);
        let limit = limit(&given, 100)?;
        begin(env, async move {
            to_json(&own.changes(&from, &to, limit).await.map_err(raise)?)
        })
    }

    /// Returns, as JSON, the scores of one customer. Only runs with the purpose `served` are read.
    #[napi(catch_unwind)]
    pub fn history<'env>(
        &self,
        env: &'env Env,
        customer_id: String,
        given: Object<'_>,
    ) -> Result<PromiseRaw<'env, String>> {
        let (own, limit) = (self.own.clone(), limit(&given, 100)?);
        begin(env, async move {
            to_json(&own.history(&customer_id, limit).await.map_err(raise)?)
        })
    }

    /// Deletes a run and its scores.
    #[napi(catch_unwind)]
    pub fn delete<'env>(&self, env: &'env Env, run: Object<'_>) -> Result<PromiseRaw<'env, ()>> {
        let (own, run) = (self.own.clone(), run_id(&run)?);
        begin(env, async move { own.delete(&run).await.map_err(raise) })
    }
}

/// The stored outcomes of customers. An outcome says whether a customer churned in the label period after a date.
#[napi]
pub struct NativeOutcomes {
    pub(super) own: OutcomeStore,
}

#[napi]
impl NativeOutcomes {
    /// Computes the churn labels of the customers, and stores the labels as outcomes.
    #[napi(catch_unwind)]
    pub fn save<'env>(&self, env: &'env Env, records: &Records, given: Object<'_>) -> Result<PromiseRaw<'env, i64>> {
        let (own, records) = (self.own.clone(), Arc::clone(records.inner.get()?));
        let (dates, definition) = (options::required_dates(&given)?, options::definition(&given)?);
        begin(env, async move {
            let (labelled, of) = (Arc::clone(&records), definition.clone());
            let label = move || churn_core::labels(&labelled, &dates, &of, &Execution::new());
            let labels = tokio::task::spawn_blocking(label).await;
            let labels = labels.map_err(|_| internal("the work ended in a panic; please report it"))?;
            let saved = own.save(&records, &labels.map_err(raise)?, &definition).await;
            Ok(saved.map_err(raise)? as i64)
        })
    }

    /// Returns, as JSON, the probabilities of a run together with the customers' outcomes.
    #[napi(catch_unwind)]
    pub fn of_run<'env>(&self, env: &'env Env, run: Object<'_>) -> Result<PromiseRaw<'env, String>> {
        let (own, run) = (self.own.clone(), run_id(&run)?);
        begin(env, async move { to_json(&own.of_run(&run).await.map_err(raise)?) })
    }

    /// Returns all stored outcomes of one customer as JSON.
    #[napi(catch_unwind)]
    pub fn of_customer<'env>(&self, env: &'env Env, customer_id: String) -> Result<PromiseRaw<'env, String>> {
        let own = self.own.clone();
        begin(env, async move {
            to_json(&own.of_customer(&customer_id).await.map_err(raise)?)
        })
    }
}
