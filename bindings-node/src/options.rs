//! Options objects: every value is checked, and a wrong one is named.

use std::collections::BTreeMap;

use churn_core::{
    AsOf, BacktestOptions, ChurnDefinition, ClassWeights, ClassifierOptions, EnsembleOptions, Execution, Feature,
    FeaturePlan, LeakagePolicy, Monotonicity, OnInvalid, RecordKind, StaticAttributes, Timestamp, TrainOptions, Value,
};
use napi::Result;
use napi::bindgen_prelude::Object;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::error::{invalid_option, raise};
use crate::values::{Cell, OneOrMany, Row};

/// A value of an option; `None` where it is undefined or null.
pub(crate) fn value(options: &Object<'_>, name: &str) -> Result<Option<Value>> {
    let cell = options.get::<Cell>(name)?.map(|cell| cell.0);
    Ok(cell.filter(|value| *value != Value::Null))
}

pub(crate) fn text(options: &Object<'_>, name: &str) -> Result<Option<String>> {
    match value(options, name)? {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_option(name, "must be a text")),
    }
}

/// A whole number, not negative; a bigint may be larger than a number.
pub(crate) fn whole(options: &Object<'_>, name: &str) -> Result<Option<u64>> {
    let whole = match value(options, name)? {
        None => return Ok(None),
        Some(Value::Int(value)) => u64::try_from(value).ok(),
        Some(Value::UInt(value)) => Some(value),
        Some(_) => None,
    };
    whole
        .map(Some)
        .ok_or_else(|| invalid_option(name, "must be a whole number, not negative"))
}

fn number(options: &Object<'_>, name: &str) -> Result<Option<f64>> {
    match value(options, name)? {
        None => Ok(None),
        Some(Value::Int(value)) => Ok(Some(value as f64)),
        Some(Value::Float(value)) => Ok(Some(value)),
        Some(_) => Err(invalid_option(name, "must be a number")),
    }
}

fn yes(options: &Object<'_>, name: &str) -> Result<Option<bool>> {
    match value(options, name)? {
        None => Ok(None),
        Some(Value::Bool(yes)) => Ok(Some(yes)),
        Some(_) => Err(invalid_option(name, "must be true or false")),
    }
}

pub(crate) fn days(options: &Object<'_>, name: &str) -> Result<Option<u32>> {
    whole(options, name)?
        .map(|value| u32::try_from(value).map_err(|_| invalid_option(name, "is too large")))
        .transpose()
}

/// How many things to list.
pub(crate) fn top(options: &Object<'_>, default: usize) -> Result<usize> {
    Ok(whole(options, "top")?.map_or(default, |top| usize::try_from(top).unwrap_or(usize::MAX)))
}

fn to_moment(value: Value, name: &str) -> Result<Timestamp> {
    let read = match value {
        Value::Text(text) => text.parse().ok(),
        Value::Timestamp(micros) => Timestamp::from_micros(micros),
        _ => None,
    };
    read.ok_or_else(|| invalid_option(name, "must be an ISO-8601 date or date-time, or a valid Date"))
}

pub(crate) fn moment(options: &Object<'_>, name: &str) -> Result<Option<Timestamp>> {
    value(options, name)?.map(|value| to_moment(value, name)).transpose()
}

pub(crate) fn as_of(options: &Object<'_>) -> Result<AsOf> {
    let moment = moment(options, "asOf")?;
    moment
        .map(AsOf::new)
        .ok_or_else(|| invalid_option("asOf", "was not given"))
}

/// `onInvalid`.
pub(crate) fn policy(options: &Object<'_>) -> Result<OnInvalid> {
    match text(options, "onInvalid")?.as_deref() {
        None | Some("refuse") => Ok(OnInvalid::Refuse),
        Some("quarantine") => Ok(OnInvalid::Quarantine),
        Some(_) => Err(invalid_option("onInvalid", "must be 'refuse' or 'quarantine'")),
    }
}

/// `staticAttributes`.
pub(crate) fn trusted(options: &Object<'_>) -> Result<StaticAttributes> {
    let all = text(options, "staticAttributes").ok().flatten().as_deref() == Some("all");
    if all {
        return Ok(StaticAttributes::All);
    }
    let names = texts(options, "staticAttributes")?;
    Ok(names.map_or(StaticAttributes::None, StaticAttributes::Named))
}

/// `conversionRates`.
pub(crate) fn rates(options: &Object<'_>) -> Result<BTreeMap<String, f64>> {
    let Some(Row(rates)) = options.get::<Row>("conversionRates")? else {
        return Ok(BTreeMap::new());
    };
    let rates = rates.ok_or_else(|| invalid_option("conversionRates", "must be an object"))?;
    let rates = rates.into_iter().map(|(code, rate)| match rate {
        Value::Int(rate) => Ok((code, rate as f64)),
        Value::Float(rate) => Ok((code, rate)),
        _ => Err(invalid_option("conversionRates", "must hold numbers")),
    });
    rates.collect()
}

/// One date or a list of them.
pub(crate) fn dates(options: &Object<'_>, name: &str) -> Result<Option<Vec<AsOf>>> {
    let given = match options.get::<OneOrMany>(name)? {
        None | Some(OneOrMany::One(Value::Null)) => return Ok(None),
        Some(OneOrMany::One(value)) => vec![value],
        Some(OneOrMany::Many(values)) => values,
    };
    let dates = given.into_iter().map(|value| to_moment(value, name).map(AsOf::new));
    dates.collect::<Result<_>>().map(Some)
}

/// Dates that must be there.
pub(crate) fn required_dates(options: &Object<'_>) -> Result<Vec<AsOf>> {
    dates(options, "asOf")?.ok_or_else(|| invalid_option("asOf", "was not given"))
}

/// A text, or a list of texts.
pub(crate) fn texts(options: &Object<'_>, name: &str) -> Result<Option<Vec<String>>> {
    let given = match options.get::<OneOrMany>(name)? {
        None | Some(OneOrMany::One(Value::Null)) => return Ok(None),
        Some(OneOrMany::One(value)) => vec![value],
        Some(OneOrMany::Many(values)) => values,
    };
    let texts = given.into_iter().map(|value| match value {
        Value::Text(text) => Ok(text),
        _ => Err(invalid_option(name, "must be a text or a list of texts")),
    });
    texts.collect::<Result<_>>().map(Some)
}

/// Nested options, which `index.js` hands over as JSON in the library's spelling.
fn nested(options: &Object<'_>, name: &str) -> Result<Option<Json>> {
    let Some(text) = text(options, name)? else {
        return Ok(None);
    };
    let value = serde_json::from_str(&text).map_err(|error| invalid_option(name, &error.to_string()))?;
    Ok(Some(value))
}

/// Given keys laid over the defaults; an unknown key is an error.
fn over<T: Serialize + DeserializeOwned>(defaults: &T, given: Json, option: &str) -> Result<T> {
    let wrong = |error: serde_json::Error| invalid_option(option, &format!("cannot be read: {error}"));
    let mut own = serde_json::to_value(defaults).map_err(wrong)?;
    let (Some(known), Json::Object(given)) = (own.as_object_mut(), given) else {
        return Err(invalid_option(option, "must be an object"));
    };
    for (key, value) in given {
        let slot = known.get_mut(&key);
        *slot.ok_or_else(|| invalid_option(option, &format!("has no '{key}'")))? = value;
    }
    serde_json::from_value(own).map_err(wrong)
}

/// A member: `false` leaves it out, an object changes its options.
fn member<T: Serialize + DeserializeOwned + Default>(
    options: &Object<'_>,
    name: &str,
    default: Option<T>,
) -> Result<Option<T>> {
    match nested(options, name)? {
        None | Some(Json::Null | Json::Bool(true)) => Ok(default),
        Some(Json::Bool(false)) => Ok(None),
        Some(given) => over(&default.unwrap_or_default(), given, name).map(Some),
    }
}

/// The user's own features behind the standard ones.
pub(crate) fn plan(options: &Object<'_>) -> Result<FeaturePlan> {
    let mut plan = windows(options)?;
    let features = match nested(options, "features")? {
        None | Some(Json::Null) => return Ok(plan),
        Some(Json::Array(features)) => features,
        Some(_) => return Err(invalid_option("features", "must be a list")),
    };
    for given in features {
        let text = |key: &str| {
            let text = given.get(key).and_then(Json::as_str);
            text.ok_or_else(|| invalid_option("features", &format!("need a '{key}' each")))
        };
        let source = text("source")?;
        let source = RecordKind::ALL.into_iter().find(|kind| kind.as_str() == source);
        let source = source.ok_or_else(|| invalid_option("features", "have the name of a table as their source"))?;
        let feature = over(&Feature::new(text("name")?, source), given.clone(), "features")?;
        plan = plan.with(feature);
        plan.validate().map_err(raise)?;
    }
    Ok(plan)
}

/// The standard features over the windows that were asked for.
fn windows(options: &Object<'_>) -> Result<FeaturePlan> {
    let given = match options.get::<OneOrMany>("windows")? {
        None | Some(OneOrMany::One(Value::Null)) => return Ok(FeaturePlan::default()),
        Some(OneOrMany::One(value)) => vec![value],
        Some(OneOrMany::Many(values)) => values,
    };
    let windows = given.into_iter().map(|value| match value {
        Value::Int(days) => u32::try_from(days).map_err(|_| invalid_option("windows", "must be whole numbers of days")),
        _ => Err(invalid_option("windows", "must be whole numbers of days")),
    });
    FeaturePlan::standard(&windows.collect::<Result<Vec<_>>>()?).map_err(raise)
}

/// What counts as churn; the library's default where nothing was said.
pub(crate) fn definition(options: &Object<'_>) -> Result<ChurnDefinition> {
    match value(options, "definition")? {
        None => return Ok(ChurnDefinition::default()),
        Some(Value::Unsupported("an object")) => {}
        Some(_) => return Err(invalid_option("definition", "must be an object")),
    }
    let Some(given) = options.get::<Object<'_>>("definition")? else {
        return Ok(ChurnDefinition::default());
    };
    let horizon = days(&given, "horizon")?.unwrap_or_else(|| ChurnDefinition::default().horizon().days);
    let active_within = days(&given, "activeWithin")?;
    let on = text(&given, "on")?;
    let kind = text(&given, "kind")?;
    let definition = match kind.as_deref() {
        Some("cancellation") if active_within.is_some() => {
            return Err(invalid_option("activeWithin", "has no meaning for cancellation"));
        }
        Some("cancellation") if on.is_some() => return Err(invalid_option("on", "has no meaning for cancellation")),
        Some("cancellation") => ChurnDefinition::cancellation(horizon),
        Some("inactivity") => {
            let on = on.as_deref().unwrap_or(RecordKind::Payments.as_str());
            let table = RecordKind::ALL.into_iter().find(|kind| kind.as_str() == on);
            let table = table.ok_or_else(|| invalid_option("on", "must be 'payments' or 'activities'"))?;
            let definition = ChurnDefinition::inactivity(horizon, table);
            active_within.map_or(definition.clone(), |days| definition.active_within(days))
        }
        _ => return Err(invalid_option("kind", "must be 'inactivity' or 'cancellation'")),
    };
    Ok(definition.with_lead(days(&given, "lead")?.unwrap_or(0)))
}

/// Threads to use.
pub(crate) fn threads(options: &Object<'_>, execution: Execution) -> Result<Execution> {
    Ok(match whole(options, "threads")? {
        Some(threads) => {
            execution.threads(usize::try_from(threads).map_err(|_| invalid_option("threads", "is too large"))?)
        }
        None => execution,
    })
}

/// How a model is trained.
pub(crate) fn training(options: &Object<'_>, execution: Execution) -> Result<TrainOptions> {
    let mut training = TrainOptions::default()
        .with_definition(definition(options)?)
        .with_plan(plan(options)?)
        .with_seed(whole(options, "seed")?.unwrap_or(0))
        .with_execution(threads(options, execution)?);
    training.as_of = dates(options, "asOf")?;
    let EnsembleOptions {
        boosting,
        deep_boosting,
        forest,
        ..
    } = EnsembleOptions::default();
    let own = member(options, "boosting", boosting)?;
    if training.ensemble.boosting != own {
        training.ensemble.deep_boosting = None;
    }
    training.ensemble.boosting = own;
    if nested(options, "deepBoosting")?.is_some() {
        training.ensemble.deep_boosting = member(options, "deepBoosting", deep_boosting)?;
    }
    training.ensemble.forest = member(options, "forest", forest)?;
    if let Some(rows) = whole(options, "maxRows")? {
        training.max_rows = usize::try_from(rows).map_err(|_| invalid_option("maxRows", "is too large"))?;
    }
    if let Some(weight) = number(options, "churnWeight")? {
        training.ensemble.churn_weight = weight;
    }
    if let Some(wanted) = nested(options, "monotoneConstraints")? {
        training.ensemble.monotone_constraints = directions(&wanted)?;
    }
    if let Some(linear) = yes(options, "linear")? {
        training.ensemble.linear = linear;
    }
    if let Some(folds) = whole(options, "folds")? {
        training.ensemble.folds = usize::try_from(folds).map_err(|_| invalid_option("folds", "is too large"))?;
    }
    if let Some(leakage) = text(options, "leakage")? {
        training.leakage = leakage.parse::<LeakagePolicy>().map_err(raise)?;
    }
    if let Some(columns) = texts(options, "allowColumns")? {
        training.allow_columns = columns;
    }
    if let Some(shared) = yes(options, "shared")? {
        training.shared = shared;
    }
    Ok(training)
}

/// How a classifier of flat tables is fitted.
pub(crate) fn classifier(options: &Object<'_>, execution: Execution) -> Result<ClassifierOptions> {
    let mut fitting = ClassifierOptions::default()
        .with_seed(whole(options, "seed")?.unwrap_or(0))
        .with_execution(threads(options, execution)?);
    match text(options, "classWeight")?.as_deref() {
        None => {}
        Some("balanced") => fitting.class_weight = ClassWeights::Balanced,
        Some(_) => {
            return Err(invalid_option(
                "classWeight",
                "must be 'balanced' or a list of numbers, one for each class",
            ));
        }
    }
    if let Some(wanted) = nested(options, "monotoneConstraints")? {
        fitting.ensemble.monotone_constraints = directions(&wanted)?;
    }
    if let Some(leakage) = text(options, "leakage")? {
        fitting.leakage = leakage.parse::<LeakagePolicy>().map_err(raise)?;
    }
    if let Some(columns) = texts(options, "allowColumns")? {
        fitting.allow_columns = columns;
    }
    Ok(fitting)
}

/// Features, each with the way in which the probability may go with it.
fn directions(wanted: &Json) -> Result<Vec<(String, Monotonicity)>> {
    let wrong = || {
        invalid_option(
            "monotoneConstraints",
            "must be an object of features, each 'increasing' or 'decreasing'",
        )
    };
    let directions = wanted
        .as_object()
        .ok_or_else(wrong)?
        .iter()
        .map(|(feature, direction)| {
            let direction = direction
                .as_str()
                .ok_or_else(wrong)?
                .parse::<Monotonicity>()
                .map_err(raise)?;
            Ok((feature.clone(), direction))
        });
    directions.collect()
}

/// Which origins are tested, and how the model at each is trained.
pub(crate) fn backtest(options: &Object<'_>, execution: Execution) -> Result<BacktestOptions> {
    let mut testing = BacktestOptions::default()
        .with_train(training(options, execution)?)
        .with_embargo_days(days(options, "embargoDays")?.unwrap_or(0))
        .with_unseen_customers(yes(options, "unseenCustomers")?.unwrap_or(false));
    testing.origins = dates(options, "origins")?;
    Ok(testing)
}
