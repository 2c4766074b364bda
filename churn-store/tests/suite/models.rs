//! Tests of stored models, score runs, scores and outcomes.

use churn_core::{
    AsOf, ChurnDefinition, ChurnModel, EnsembleOptions, Execution, RecordKind, RiskBand, TrainOptions, labels,
};
use churn_store::{HighRisk, ReasonsFor, RecordsOptions, RunId, RunPurpose, SaveRun, ScoreOrder, ScoreQuery, Stage};

use crate::conformance::{day, store, tables};
use crate::everywhere;

everywhere!(models_scores_and_outcomes, world => {
    let acme = world.store.tenant("acme");
    store(&acme, &tables(150)).await;
    let (records, _) = acme.records(&RecordsOptions::default()).await.unwrap();
    let definition = ChurnDefinition::inactivity(30, RecordKind::Payments);
    let train = |seed| {
        let ensemble = EnsembleOptions::default().with_boosting(None).with_forest(None).with_folds(2);
        let options = TrainOptions::default().with_definition(definition.clone()).with_as_of(vec![AsOf::new(day(120)), AsOf::new(day(150))]).with_ensemble(ensemble).with_seed(seed).with_allow_columns(["seats", "trial", "plan"]);
        ChurnModel::train(&records, &options).unwrap()
    };
    let (first, second) = (train(1), train(2));

    // Stores and loads models.
    let models = acme.models();
    assert!(models.champion().await.unwrap().is_none());
    models.save(&first, Stage::Champion, day(1)).await.unwrap();
    models.save(&first, Stage::Champion, day(2)).await.unwrap();
    models.save(&second, Stage::Challenger, day(3)).await.unwrap();
    assert_eq!(models.champion().await.unwrap().unwrap().to_bytes(), first.to_bytes());
    models.promote(second.id(), Stage::Champion).await.unwrap();
    let listed = models.list().await.unwrap();
    assert_eq!(listed.iter().map(|model| (model.id.as_str(), model.stage, model.saved_at)).collect::<Vec<_>>(), [(second.id(), Stage::Champion, day(3)), (first.id(), Stage::Retired, day(1))]);
    assert_eq!(listed[0].card["definition"]["inactivity"]["horizon"]["days"], 30);
    let other = world.store.tenant("other");
    assert_eq!(other.models().save(&first, Stage::Champion, day(1)).await.unwrap_err().code(), "tenant_mismatch");
    assert_eq!(other.models().load(first.id()).await.unwrap_err().code(), "not_found");
    assert_eq!(models.promote("nothing", Stage::Champion).await.unwrap_err().code(), "not_found");
    assert_eq!(models.champion().await.unwrap().unwrap().id(), second.id(), "a failed promotion changes nothing");

    // Stored scores are bit-identical to the scores of the run.
    let scores = acme.scores();
    assert_eq!(scores.high_risk(&HighRisk::default()).await.unwrap_err().code(), "not_found");
    let as_of = AsOf::new(day(140));
    let run = second.score(&records, as_of).unwrap();
    let id = scores.save(&second, &run, ReasonsFor::Riskiest(10), day(141)).await.unwrap();
    scores.save(&second, &run, ReasonsFor::Riskiest(10), day(142)).await.unwrap();
    scores.save(&second, &second.score(&records, AsOf::new(day(100))).unwrap(), ReasonsFor::Nobody, day(143)).await.unwrap();
    assert_eq!(other.scores().save(&second, &run, ReasonsFor::Nobody, day(1)).await.unwrap_err().code(), "tenant_mismatch");
    assert_eq!(scores.save(&first, &run, ReasonsFor::Nobody, day(1)).await.unwrap_err().code(), "invalid_option");
    let page = scores.high_risk(&HighRisk { limit: 10, ..Default::default() }).await.unwrap();
    let riskiest = run.riskiest(10);
    for (kept, said) in page.scores.iter().zip(&riskiest) {
        assert_eq!((&kept.customer_id, kept.probability.map(f64::to_bits), kept.risk_band), (&said.customer_id, said.probability().map(f64::to_bits), said.risk_band()));
        let reasons = run.reasons(&said.customer_id, 5).unwrap();
        assert_eq!(kept.reasons.len(), reasons.len());
        assert!(kept.reasons.iter().zip(&reasons).all(|(kept, said)| kept.text == said.text && kept.contribution.to_bits() == said.contribution.to_bits()));
    }
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = scores.high_risk(&HighRisk { run: Some(id.clone()), limit: 7, after, ..Default::default() }).await.unwrap();
        all.extend(page.scores);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let wanted: Vec<_> = run.riskiest(usize::MAX).iter().map(|score| score.customer_id.clone()).collect();
    assert_eq!(all.iter().map(|score| score.customer_id.clone()).collect::<Vec<_>>(), wanted);
    let history = scores.history(&wanted[0], 10).await.unwrap();
    assert!(history.len() == 2 && history[0].run.as_of == day(140) && history[1].run.as_of == day(100));

    // Stores outcomes and reads them.
    let labelled = labels(&records, &[as_of], &definition, &Execution::default()).unwrap();
    let outcomes = acme.outcomes();
    let rows = (labelled.rows().len() + labelled.excluded().len()) as u64;
    assert_eq!(outcomes.save(&records, &labelled, &definition).await.unwrap(), rows);
    assert_eq!(outcomes.save(&records, &labelled, &definition).await.unwrap(), 0);
    assert_eq!(other.outcomes().save(&records, &labelled, &definition).await.unwrap_err().code(), "tenant_mismatch");
    let joined = outcomes.of_run(&id).await.unwrap();
    let churned = labelled.rows().iter().filter(|label| label.churned).count();
    let scored = run.scores().iter().filter(|score| score.probability().is_some()).count();
    assert_eq!((joined.len(), joined.iter().filter(|own| own.churned).count()), (scored.min(labelled.rows().len()), churned));
    let trend = scores.runs(10).await.unwrap();
    assert_eq!(trend.len(), 2);
    assert_eq!((trend[0].id.clone(), trend[0].scored, trend[0].outcomes), (id.clone(), scored as u64, (joined.len() as u64, churned as u64)));
    assert_eq!(trend[1].outcomes, (0, 0));
    assert_eq!(trend[0].bands.iter().sum::<u64>(), trend[0].scored);
    assert_eq!(outcomes.of_customer(&joined[0].customer_id).await.unwrap().len(), 1);
    assert!(other.scores().runs(10).await.unwrap().is_empty() && other.outcomes().of_run(&id).await.unwrap().is_empty());
    // The pages of a query return every customer once, sorted by probability or by value at risk.
    let worth: Vec<(String, f64)> = run.scores().iter().enumerate().map(|(row, score)| (score.customer_id.clone(), row as f64)).collect();
    let options = SaveRun::new(day(144)).with_reasons(ReasonsFor::Riskiest(7)).with_values(worth);
    scores.save_with(&second, &run, &options).await.unwrap();
    for order in [ScoreOrder::Probability, ScoreOrder::ValueAtRisk] {
        let (mut all, mut after) = (vec![], None);
        loop {
            let query = ScoreQuery { run: Some(id.clone()), order, limit: 11, after, total: true, ..Default::default() };
            let page = scores.query(&query).await.unwrap();
            assert_eq!(page.total, Some(run.scores().len() as u64));
            all.extend(page.scores);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(all.len(), run.scores().len());
        // In both orders, the first customers have reasons.
        assert!(all[..7].iter().all(|kept| !kept.reasons.is_empty()));
        assert!(all.iter().filter(|kept| !kept.reasons.is_empty()).count() <= 14);
        let keys: Vec<Option<f64>> = all.iter().map(|score| if order == ScoreOrder::Probability { score.probability } else { score.value_at_risk }).collect();
        assert!(keys.windows(2).all(|pair| pair[0].unwrap_or(f64::NEG_INFINITY) >= pair[1].unwrap_or(f64::NEG_INFINITY)), "{keys:?}");
        for kept in &all {
            let said = run.score_of(&kept.customer_id).unwrap();
            assert_eq!(kept.interval, said.interval());
            assert_eq!(kept.not_scored_reason.as_deref(), said.not_scored_reason());
            assert_eq!(kept.value_at_risk, kept.probability.map(|probability| probability * kept.value.unwrap()));
        }
    }
    let some = ScoreQuery { customer_ids: Some(vec![wanted[0].clone(), "nobody".into()]), run: Some(id.clone()), ..Default::default() };
    assert_eq!(scores.query(&some).await.unwrap().scores.len(), 1);
    let none = ScoreQuery { bands: Some(vec![]), ..Default::default() };
    assert!(scores.query(&none).await.unwrap().scores.is_empty());
    for band in [RiskBand::Low, RiskBand::Critical] {
        let query = ScoreQuery { bands: Some(vec![band]), limit: 1000, ..Default::default() };
        let expected = run.scores().iter().filter(|score| score.risk_band() == Some(band)).count();
        assert_eq!(scores.query(&query).await.unwrap().scores.len(), expected);
    }
    assert_eq!(scores.save_with(&second, &run, &SaveRun::new(day(1)).with_values([("nobody".to_owned(), 1.0)])).await.unwrap_err().code(), "invalid_option");
    // A trial run changes neither the default list nor histories. `changes` compares any two runs, including trial
    // runs.
    let trial = first.score(&records, AsOf::new(day(145))).unwrap();
    let trial_id = scores.save_with(&first, &trial, &SaveRun::new(day(146)).with_purpose(RunPurpose::Trial)).await.unwrap();
    assert_eq!(scores.query(&ScoreQuery::default()).await.unwrap().run, id);
    assert!(scores.history(&wanted[0], 10).await.unwrap().iter().all(|score| score.run.model_id == second.id()));
    let changes = scores.changes(&id, &trial_id, 5).await.unwrap();
    let both: u64 = changes.moves.iter().map(|own| own.customers).sum();
    assert_eq!((both + changes.entered, both + changes.left), (trial.scores().len() as u64, run.scores().len() as u64));
    assert!(changes.largest.windows(2).all(|pair| (pair[0].after - pair[0].before).abs() >= (pair[1].after - pair[1].before).abs()));
    assert_eq!(scores.changes(&id, &RunId { model_id: "x".into(), ..id.clone() }, 5).await.unwrap_err().code(), "not_found");
    assert_eq!(scores.runs(10).await.unwrap()[0].purpose, RunPurpose::Trial);
    assert_eq!(scores.runs_before(Some(day(140)), 10).await.unwrap().len(), 1);
    scores.delete(&trial_id).await.unwrap();
    assert_eq!(models.get(second.id()).await.unwrap().unwrap().stage, Stage::Champion);
    assert_eq!(models.get("nothing").await.unwrap(), None);

    scores.delete(&id).await.unwrap();
    assert_eq!(scores.history(&wanted[0], 10).await.unwrap().len(), 1);
    models.delete(first.id()).await.unwrap();
    assert_eq!(models.load(first.id()).await.unwrap_err().code(), "not_found");

    // Of two runs with one date and one `saved_at`, the run of the champion is the latest, in either order.
    models.save(&first, Stage::Challenger, day(4)).await.unwrap();
    let as_of = AsOf::new(day(160));
    for model in [&first, &second] {
        let run = model.score(&records, as_of).unwrap();
        scores.save(model, &run, ReasonsFor::Nobody, day(161)).await.unwrap();
    }
    for model in [&first, &second, &first] {
        models.promote(model.id(), Stage::Champion).await.unwrap();
        let page = scores.high_risk(&HighRisk { limit: 1, ..Default::default() }).await.unwrap();
        assert_eq!(page.scores[0].run.model_id, model.id());
        assert_eq!(scores.runs(1).await.unwrap()[0].id.model_id, model.id());
    }
});
