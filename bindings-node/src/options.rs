//! Options objects: every value is checked, and a wrong one is named.

use churn_core::{AsOf, ChurnDefinition, Execution, FeaturePlan, Leakage, RecordKind, Timestamp, TrainOptions, Value};
use napi::Result;
use napi::bindgen_prelude::Object;

use crate::error::{invalid_option, raise};
use crate::values::{Cell, OneOrMany};

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

/// One date or a list of them.
pub(crate) fn dates(options: &Object<'_>) -> Result<Option<Vec<AsOf>>> {
    let given = match options.get::<OneOrMany>("asOf")? {
        None | Some(OneOrMany::One(Value::Null)) => return Ok(None),
        Some(OneOrMany::One(value)) => vec![value],
        Some(OneOrMany::Many(values)) => values,
    };
    let dates = given.into_iter().map(|value| to_moment(value, "asOf").map(AsOf::new));
    dates.collect::<Result<_>>().map(Some)
}

/// Dates that must be there.
pub(crate) fn required_dates(options: &Object<'_>) -> Result<Vec<AsOf>> {
    dates(options)?.ok_or_else(|| invalid_option("asOf", "was not given"))
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

/// The standard features over the windows that were asked for.
pub(crate) fn plan(options: &Object<'_>) -> Result<FeaturePlan> {
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
    let mut training = TrainOptions {
        definition: definition(options)?,
        as_of: dates(options)?,
        plan: plan(options)?,
        seed: whole(options, "seed")?.unwrap_or(0),
        execution: threads(options, execution)?,
        ..TrainOptions::default()
    };
    if let Some(folds) = whole(options, "folds")? {
        training.ensemble.folds = usize::try_from(folds).map_err(|_| invalid_option("folds", "is too large"))?;
    }
    if let Some(leakage) = text(options, "leakage")? {
        training.leakage = Leakage::named(&leakage).map_err(raise)?;
    }
    if let Some(columns) = texts(options, "allowColumns")? {
        training.allow_columns = columns;
    }
    match value(options, "shared")? {
        None => {}
        Some(Value::Bool(shared)) => training.shared = shared,
        Some(_) => return Err(invalid_option("shared", "must be true or false")),
    }
    Ok(training)
}
