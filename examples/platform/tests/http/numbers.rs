//! Compares every number on the pages with the number that the library computes. The two must be bit-identical.
//! The exact value of a rounded number on a page is in `<data value="…">`.

use std::collections::BTreeMap;

use churn_core::{AsOf, ChurnModel, ScoreRun, Timestamp};
use churn_platform::services::{company, demo};
use churn_platform::views::format::encode;

use crate::site::{Client, Site, unescaped};

/// Returns the rows of a table on a page. A row consists of the texts of its cells, without tags, and of the exact
/// values in its `<data>` elements.
fn rows(page: &str, table: &str) -> Vec<(Vec<String>, Vec<f64>)> {
    let begin = page
        .find(&format!("<table id=\"{table}\""))
        .unwrap_or_else(|| panic!("no table {table}"));
    let body = page[begin..]
        .split("<tbody>")
        .nth(1)
        .unwrap()
        .split("</tbody>")
        .next()
        .unwrap();
    let mut rows = vec![];
    for row in body.split("<tr>").skip(1) {
        let values = row.split("<data value=\"").skip(1);
        let values = values.map(|rest| rest.split('"').next().unwrap().parse().unwrap());
        let cells = row.split("</td>").flat_map(|part| part.split("</th>"));
        rows.push((cells.map(text).collect(), values.collect()));
    }
    rows
}

/// Returns the text of an HTML fragment without tags.
fn text(html: &str) -> String {
    let mut text = String::new();
    let mut depth = 0;
    for c in html.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    unescaped(text.trim())
}

/// Returns the model in use, and the score run that the library computes with this model for a date.
async fn computed(site: &Site, company: &str, date: Option<Timestamp>) -> (ChurnModel, ScoreRun) {
    let tenant = site.app.store.tenant(company);
    let model = tenant.models().champion().await.unwrap().unwrap();
    let settings = tenant.company().get().await.unwrap();
    let options = company::records_options(&settings, Default::default()).unwrap();
    let (records, _) = tenant.records(&options).await.unwrap();
    let as_of = date.map_or_else(|| company::score_date(&settings).unwrap(), AsOf::new);
    let run = model.score(&records, as_of).unwrap();
    (model, run)
}

async fn all_pages(site: &Site, client: &Client, first: String, table: &str) -> Vec<(Vec<String>, Vec<f64>)> {
    let (mut all, mut next) = (vec![], Some(first));
    while let Some(path) = next {
        let page = site.page(&path, client).await.body;
        all.extend(rows(&page, table));
        let link = page.split("<a rel=\"next\" href=\"").nth(1);
        next = link.map(|rest| {
            rest.split('"')
                .next()
                .unwrap()
                .replace("&#38;", "&")
                .replace("&amp;", "&")
        });
    }
    all
}

#[tokio::test]
async fn lists_and_customers_show_the_scores_of_the_library() {
    let site = Site::new().await;
    let client = site.client("owner@demo.example").await;
    for (company, _) in demo::COMPANIES {
        let (_, run) = computed(&site, company, None).await;
        let expected: BTreeMap<&str, [f64; 3]> = run
            .scores()
            .iter()
            .filter_map(|score| {
                let interval = score.interval()?;
                Some((
                    score.customer_id.as_str(),
                    [score.probability()?, interval.low, interval.high],
                ))
            })
            .collect();
        assert!(expected.len() > 50, "{company}: {}", expected.len());

        let listed = all_pages(&site, &client, format!("/c/{company}/risk?band=all"), "risk").await;
        assert_eq!(listed.len(), expected.len(), "{company}: each scored customer once");
        let mut last = f64::INFINITY;
        for (cells, values) in &listed {
            assert_eq!(values.as_slice(), expected[cells[0].as_str()], "{company} {cells:?}");
            let percent = |value: f64| format!("{:.1}\u{a0}%", 100.0 * value);
            assert_eq!(cells[1], percent(values[0]));
            assert_eq!(cells[2], format!("{} to {}", percent(values[1]), percent(values[2])));
            assert_eq!(cells[3], run.score_of(&cells[0]).unwrap().risk_band().unwrap().as_str());
            assert!(values[0] <= last, "highest first");
            last = values[0];
        }
        let reasons = run.reasons(&listed[0].0[0], 1).unwrap();
        assert_eq!(listed[0].0[4], reasons[0].text, "{company}: the main reason");

        let listed = all_pages(&site, &client, format!("/c/{company}/customers"), "customers").await;
        let settings = site.app.store.tenant(company).company().get().await.unwrap();
        let options = company::records_options(&settings, Default::default()).unwrap();
        let (records, _) = site.app.store.tenant(company).records(&options).await.unwrap();
        let ids: Vec<&str> = listed.iter().map(|(cells, _)| cells[0].as_str()).collect();
        assert_eq!(
            ids,
            records.customer_ids().collect::<Vec<_>>(),
            "{company}: all customers by id"
        );
        for (cells, values) in &listed {
            let score = expected.get(cells[0].as_str()).map(|score| score[0]);
            assert_eq!(values.first().copied(), score, "{company} {cells:?}");
        }
    }
}

#[tokio::test]
async fn a_customer_shows_history_reasons_and_outcomes_of_the_library() {
    let site = Site::new().await;
    let client = site.client("owner@demo.example").await;
    let tenant = site.app.store.tenant("t001");
    let runs = tenant.scores().runs(100).await.unwrap();
    assert_eq!(runs.len(), 8);
    let mut computed_runs = vec![];
    for run in &runs {
        computed_runs.push(computed(&site, "t001", Some(run.id.as_of)).await.1);
    }
    let latest = &computed_runs[0];
    let mut customers: Vec<&str> = latest
        .riskiest(5)
        .iter()
        .map(|score| score.customer_id.as_str())
        .collect();
    // The pages of the customers who churned after the earliest run are checked too.
    let outcomes = tenant.outcomes().of_run(&runs[7].id).await.unwrap();
    assert!(outcomes.len() > 50);
    customers.extend(
        outcomes
            .iter()
            .filter(|outcome| outcome.churned)
            .map(|outcome| outcome.customer_id.as_str()),
    );
    let mut churned = 0;
    for customer in customers {
        let page = site
            .page(&format!("/c/t001/customers/{}", encode(customer)), &client)
            .await;
        assert_eq!(page.status, 200);
        let mut trend = rows(&page.body, "trend").into_iter();
        for run in &computed_runs {
            let Ok(score) = run.score_of(customer) else { continue };
            let (cells, values) = trend.next().unwrap();
            assert!(run.as_of().to_string().starts_with(&cells[0]));
            if let Some(probability) = score.probability() {
                let interval = score.interval().unwrap();
                assert_eq!(
                    values,
                    [probability, interval.low, interval.high],
                    "{customer} {cells:?}"
                );
            }
            let outcome = tenant.outcomes().of_customer(customer).await.unwrap();
            let outcome = outcome.iter().find(|outcome| outcome.as_of == run.as_of().timestamp());
            let happened = &cells[cells.len() - 2];
            match outcome.map(|outcome| outcome.churned) {
                None => assert_eq!(happened, "not known yet"),
                Some(Some(true)) => {
                    churned += 1;
                    assert!(happened.starts_with("churned on "), "{happened}");
                }
                Some(Some(false)) => assert_eq!(happened, "stayed"),
                Some(None) => assert!(happened.starts_with("not counted")),
            }
        }
        assert!(trend.next().is_none());
        if let Ok(score) = latest.score_of(customer)
            && let Some(probability) = score.probability()
        {
            assert!(
                page.body
                    .contains(&format!("<data id=\"probability\" value=\"{probability}\">"))
            );
            let reasons = latest.reasons(customer, 5).unwrap();
            let shown = rows(&page.body, "reasons");
            assert_eq!(shown.len(), reasons.len());
            for ((cells, values), reason) in shown.iter().zip(&reasons) {
                assert_eq!(
                    (cells[0].as_str(), values[0]),
                    (reason.text.as_str(), reason.contribution)
                );
            }
        }
    }
    assert!(churned > 0, "nobody churned, so this test checks nothing");
}

#[tokio::test]
async fn the_model_page_shows_the_report_of_the_library() {
    let site = Site::new().await;
    let client = site.client("owner@demo.example").await;
    for (company, _) in demo::COMPANIES {
        let (model, _) = computed(&site, company, None).await;
        let report = model.report();
        let page = site.page(&format!("/c/{company}/models"), &client).await.body;
        assert!(page.contains(model.id()));
        let test = report
            .out_of_time
            .as_ref()
            .expect("the demo's history is long enough for a test");
        let measures = &test.measures;
        let all = [
            measures.roc_auc,
            measures.pr_auc,
            measures.log_loss,
            measures.brier,
            measures.calibration_error,
            measures.calibration_slope,
            measures.base_rate_shift,
            measures.top_decile_lift,
        ];
        let expected: Vec<Vec<f64>> = all
            .into_iter()
            .flatten()
            .map(|estimate| vec![estimate.value, estimate.interval.low, estimate.interval.high])
            .collect();
        let shown: Vec<Vec<f64>> = rows(&page, "measures").into_iter().map(|(_, values)| values).collect();
        assert_eq!(shown, expected, "{company}");
        let shown = rows(&page, "bands");
        assert_eq!(shown.len(), report.bands.len());
        for ((cells, values), band) in shown.iter().zip(&report.bands) {
            assert_eq!(cells[0], band.band.as_str());
            assert_eq!(
                (cells[2].as_str(), cells[3].as_str()),
                (&*band.rows.to_string(), &*band.churned.to_string())
            );
            let expected: Vec<f64> = [Some(band.from), band.mean_probability, band.churn_rate]
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(values, &expected);
        }
        let bins: Vec<Vec<f64>> = rows(&page, "reliability")
            .into_iter()
            .map(|(_, values)| values)
            .collect();
        let expected: Vec<Vec<f64>> = measures
            .calibration
            .iter()
            .map(|bin| vec![bin.mean_probability, bin.churn_rate])
            .collect();
        assert_eq!(bins, expected);
        let members: Vec<Vec<f64>> = rows(&page, "members").into_iter().map(|(_, values)| values).collect();
        let expected: Vec<Vec<f64>> = report
            .members
            .iter()
            .map(|member| vec![member.weight, member.log_loss])
            .collect();
        assert_eq!(members, expected);
    }
}

#[tokio::test]
async fn the_data_page_counts_the_rows() {
    let site = Site::new().await;
    let client = site.client("owner@demo.example").await;
    let tenant = site.app.store.tenant("t003");
    let page = site.page("/c/t003/data", &client).await.body;
    for (cells, _) in rows(&page, "tables") {
        let count = tenant.table(cells[0].parse().unwrap()).count().await.unwrap();
        assert!(count > 0);
        assert_eq!(cells[1], count.to_string(), "{}", cells[0]);
    }
    assert!(page.contains(&format!(
        "<dd>{}</dd>",
        tenant.customers().count_customers().await.unwrap()
    )));
}

#[tokio::test]
async fn a_prefix_finds_customers_and_the_search_stays_in_the_links() {
    let site = Site::new().await;
    let client = site.client("viewer@demo.example").await;
    let found = all_pages(
        &site,
        &client,
        "/c/t001/customers?prefix=c00000".to_owned(),
        "customers",
    )
    .await;
    assert!(!found.is_empty() && found.len() < 200);
    assert!(found.iter().all(|(cells, _)| cells[0].starts_with("c00000")));
    let page = site.page("/c/t001/customers?prefix=%22%3Ezz", &client).await.body;
    assert!(page.contains("No customer&#39;s id begins with") || page.contains("No customer's id begins with"));
    assert!(page.contains("&#34;&#62;zz") && !page.contains("\">zz"));
}
