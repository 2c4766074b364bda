//! Reads option objects. Every value is checked, and errors name the invalid option.

use std::collections::BTreeMap;
use std::str::FromStr;

use churn_core::synthetic::WorldOptions;
use churn_core::{
    AsOf, BacktestOptions, ChurnDefinition, ClassifierOptions, Error, Execution, FeaturePlan, OnInvalid,
    StaticAttributes, Timestamp, TrainOptions, Value,
};
use napi::Result;
use napi::bindgen_prelude::Object;

use crate::error::{invalid_option, raise, raise_option};
use crate::values::{Cell, OneOrMany, Row};

/// Reads the value of an option. The result is `None` if the value is undefined or null.
pub(crate) fn value(options: &Object<'_>, name: &str) -> Result<Option<Value>> {
    let cell = options.get::<Cell>(name)?.map(|cell| cell.0);
    Ok(cell.filter(|value| *value != Value::Null))
}

pub(crate) fn text(options: &Object<'_>, name: &str) -> Result<Option<String>> {
    match value(options, name)? {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_option(name, "must be a string")),
    }
}

/// Reads an option whose value is a name, such as `refuse`. The name is parsed as a value of the enum `T`.
pub(crate) fn named<T: FromStr<Err = Error>>(options: &Object<'_>, name: &str) -> Result<Option<T>> {
    let named = text(options, name)?.map(|text| text.parse());
    named.transpose().map_err(|error: Error| raise_option(name, &error))
}

/// Reads an option that is a whole number of at least 0. The caller may pass a number or a bigint.
pub(crate) fn whole(options: &Object<'_>, name: &str) -> Result<Option<u64>> {
    let whole = match value(options, name)? {
        None => return Ok(None),
        Some(Value::Int(value)) => u64::try_from(value).ok(),
        Some(Value::UInt(value)) => Some(value),
        Some(_) => None,
    };
    whole
        .map(Some)
        .ok_or_else(|| invalid_option(name, "must be a non-negative integer"))
}

pub(crate) fn days(options: &Object<'_>, name: &str) -> Result<Option<u32>> {
    whole(options, name)?
        .map(|value| u32::try_from(value).map_err(|_| invalid_option(name, "is too large")))
        .transpose()
}

/// Reads the option `top`: the number of items to list.
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
        .ok_or_else(|| invalid_option("asOf", "is required"))
}

/// Reads the option `onInvalid`, which says what happens to invalid rows.
pub(crate) fn policy(options: &Object<'_>) -> Result<OnInvalid> {
    Ok(named(options, "onInvalid")?.unwrap_or_default())
}

/// Reads the option `staticAttributes`, which names the attributes that never change.
pub(crate) fn trusted(options: &Object<'_>) -> Result<StaticAttributes> {
    let all = text(options, "staticAttributes").ok().flatten().as_deref() == Some("all");
    if all {
        return Ok(StaticAttributes::All);
    }
    let names = texts(options, "staticAttributes")?;
    Ok(names.map_or(StaticAttributes::None, StaticAttributes::Named))
}

/// Reads the option `conversionRates`: for each foreign currency, the value of one major unit (such as one euro),
/// expressed in the tenant's currency.
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

/// Reads an option that is one date or a list of dates.
pub(crate) fn dates(options: &Object<'_>, name: &str) -> Result<Option<Vec<AsOf>>> {
    let given = match options.get::<OneOrMany>(name)? {
        None | Some(OneOrMany::One(Value::Null)) => return Ok(None),
        Some(OneOrMany::One(value)) => vec![value],
        Some(OneOrMany::Many(values)) => values,
    };
    let dates = given.into_iter().map(|value| to_moment(value, name).map(AsOf::new));
    dates.collect::<Result<_>>().map(Some)
}

/// Reads the required option `asOf`: one date or a list of dates.
pub(crate) fn required_dates(options: &Object<'_>) -> Result<Vec<AsOf>> {
    dates(options, "asOf")?.ok_or_else(|| invalid_option("asOf", "is required"))
}

/// Reads an option that is one text or a list of texts.
pub(crate) fn texts(options: &Object<'_>, name: &str) -> Result<Option<Vec<String>>> {
    let given = match options.get::<OneOrMany>(name)? {
        None | Some(OneOrMany::One(Value::Null)) => return Ok(None),
        Some(OneOrMany::One(value)) => vec![value],
        Some(OneOrMany::Many(values)) => values,
    };
    let texts = given.into_iter().map(|value| match value {
        Value::Text(text) => Ok(text),
        _ => Err(invalid_option(name, "must be a string or an array of strings")),
    });
    texts.collect::<Result<_>>().map(Some)
}

/// Reads the property `json`: a JSON text with options. Its keys are the names that the options have in `churn-core`.
/// The TypeScript code in `lib/` writes this JSON, and `churn-core` parses it.
fn json(options: &Object<'_>) -> Result<String> {
    Ok(text(options, "json")?.unwrap_or_else(|| "{}".to_owned()))
}

/// Makes the feature plan: the standard features for the given windows (periods that end at the date of the features),
/// followed by the features that the caller defined.
pub(crate) fn plan(options: &Object<'_>) -> Result<FeaturePlan> {
    FeaturePlan::from_json(&json(options)?).map_err(raise)
}

/// Reads the definition of churn. The result is `None` if no definition was given.
pub(crate) fn given_definition(options: &Object<'_>) -> Result<Option<ChurnDefinition>> {
    let Some(json) = text(options, "definition")? else {
        return Ok(None);
    };
    ChurnDefinition::from_json(&json).map(Some).map_err(raise)
}

/// Reads the definition of churn. The default of the library is used if no definition was given.
pub(crate) fn definition(options: &Object<'_>) -> Result<ChurnDefinition> {
    Ok(given_definition(options)?.unwrap_or_default())
}

/// Reads the option `threads`. Returns `execution` with this number of threads.
pub(crate) fn threads(options: &Object<'_>, execution: Execution) -> Result<Execution> {
    Ok(match whole(options, "threads")? {
        // A number above 512 is probably a mistake, for example a time in milliseconds.
        Some(threads @ 1..=512) => execution.threads(threads as usize),
        Some(_) => return Err(invalid_option("threads", "must be 1 to 512")),
        None => execution,
    })
}

/// Reads the options of a training run.
pub(crate) fn training(options: &Object<'_>, execution: Execution) -> Result<TrainOptions> {
    let training = TrainOptions::from_json(&json(options)?).map_err(raise)?;
    Ok(training.with_execution(threads(options, execution)?))
}

/// Reads the options of a classifier for flat tables.
pub(crate) fn classifier(options: &Object<'_>, execution: Execution) -> Result<ClassifierOptions> {
    let fitting = ClassifierOptions::from_json(&json(options)?).map_err(raise)?;
    Ok(fitting.with_execution(threads(options, execution)?))
}

/// Reads the options of a backtest.
pub(crate) fn backtest(options: &Object<'_>, execution: Execution) -> Result<BacktestOptions> {
    let mut testing = BacktestOptions::from_json(&json(options)?).map_err(raise)?;
    testing.train.execution = threads(options, execution)?;
    Ok(testing)
}

/// Reads the options of synthetic tenants.
pub(crate) fn world(options: &Object<'_>) -> Result<WorldOptions> {
    let mut world = WorldOptions::from_json(&json(options)?).map_err(raise)?;
    world.execution = threads(options, world.execution)?;
    Ok(world)
}
