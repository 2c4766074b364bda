//! Tests with records whose attributes leak the target.

use super::tests::{World, day, options, world};
use super::*;
use crate::error::Result;
use crate::input::{Customer, Value};
use crate::leakage::{LeakageAction, LeakageEvidence, LeakagePolicy};

/// Returns a world of 400 customers, each of whom was modified by `change`.
fn changed(change: impl Fn(&mut Customer, usize)) -> World {
    let mut world = world(400, 21);
    world
        .customers
        .iter_mut()
        .enumerate()
        .for_each(|(number, customer)| change(customer, number));
    world
}

fn attribute(name: &'static str, value: impl Fn(&Customer, usize) -> Value) -> World {
    changed(|customer, number| {
        let value = value(customer, number);
        customer.attributes.insert(name.into(), value);
    })
}

#[test]
fn attributes_that_leak_the_target_are_refused_by_name() {
    let planted: [(&str, World); 7] = [
        (
            "status",
            attribute("status", |c, _| {
                Value::Text(if c.churned_at.is_some() { "closed" } else { "active" }.into())
            }),
        ),
        (
            "exit_reason",
            attribute("exit_reason", |c, number| match c.churned_at {
                Some(_) if number % 2 == 0 => Value::Text(["price", "service"][number / 2 % 2].into()),
                _ => Value::Null,
            }),
        ),
        (
            "next_invoice",
            attribute("next_invoice", |c, number| match c.churned_at {
                Some(_) => Value::Null,
                None => Value::Float(10.0 + number as f64),
            }),
        ),
        ("row", attribute("row", |_, number| Value::Int(number as i64))),
        (
            "total_days",
            attribute("total_days", |c, _| {
                Value::Float(c.churned_at.unwrap_or(day(730)).days_since(c.signed_up_at))
            }),
        ),
        (
            "renews_at",
            changed(|c, number| {
                c.renews_at = match c.churned_at {
                    Some(at) => Some(at),
                    None => Some(day(740 + number as i64 % 300)),
                };
            }),
        ),
        (
            "renews_at",
            changed(|c, number| {
                c.renews_at = c.churned_at.is_none().then(|| day(500 + number as i64 % 300));
            }),
        ),
    ];
    for (column, world) in planted {
        let records = world.records("acme");
        for as_of in [None, Some(vec![day(300).into()])] {
            let error = ChurnModel::train(&records, &TrainOptions { as_of, ..options(2) }).unwrap_err();
            assert_eq!((error.code(), error.column()), ("leakage", Some(column)), "{error}");
        }
    }
}

#[test]
fn the_report_lists_allowed_columns() -> Result<()> {
    let records = attribute("status", |c, _| {
        Value::Text(if c.churned_at.is_some() { "closed" } else { "active" }.into())
    })
    .records("acme");
    let train = |options: TrainOptions| ChurnModel::train(&records, &options);
    let allowed = train(TrainOptions {
        allow_columns: vec!["status".into()],
        ..options(2)
    })?;
    let leaks = &allowed.report().leaks;
    let found = leaks.iter().find(|leak| leak.column == "status").unwrap();
    assert_eq!(
        (found.leak, found.action),
        (LeakageEvidence::RestatesLabel, LeakageAction::Allowed)
    );
    assert!(found.statistic > found.by_chance.unwrap() && found.statistic > 0.4);
    let warned = train(TrainOptions {
        leakage: LeakagePolicy::Warn,
        ..options(2)
    })?;
    assert!(
        warned
            .report()
            .leaks
            .iter()
            .any(|leak| leak.action == LeakageAction::Warned)
    );
    Ok(())
}

#[test]
fn the_card_contains_the_content_of_the_file() -> Result<()> {
    let records = attribute("odd`name\n", |c, _| Value::Bool(c.churned_at.is_some())).records("acme");
    let train = || {
        ChurnModel::train(
            &records,
            &TrainOptions {
                allow_columns: vec!["odd`name\n".into()],
                ..options(1)
            },
        )
    };
    let model = train()?;
    let card = model.card();
    let reloaded = ChurnModel::from_bytes(&model.to_bytes())?.card();
    assert_eq!(card.to_json()?, reloaded.to_json()?);
    assert_eq!(card.to_markdown(), train()?.card().to_markdown());
    let json: serde_json::Value = serde_json::from_str(&card.to_json()?).unwrap();
    assert_eq!(json["model_id"], model.id());
    assert_eq!(json["population"]["rows"], model.report().rows);
    assert_eq!(json["calibration"]["bands"].as_array().unwrap().len(), 4);
    assert!(json["metrics"]["out_of_time"]["proof"]["last_label_end"].is_string());
    let rows: usize = card.calibration.bands.iter().map(|band| band.rows).sum();
    assert_eq!(rows, model.report().rows);
    let text = card.to_markdown();
    for wanted in [
        "# Model card",
        "| AUC |",
        "calibration slope",
        "| critical |",
        "| linear |",
        "`odd'name'` (restates_label), allowed",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    Ok(())
}

#[test]
fn records_without_leaks_pass() -> Result<()> {
    for seed in 30..36 {
        let model = ChurnModel::train(&world(300, seed).records("acme"), &options(2))?;
        assert_eq!(model.report().leaks, [], "seed {seed}");
    }
    Ok(())
}
