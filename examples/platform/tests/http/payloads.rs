//! Tests records whose texts contain scripts. Pages must show a script as plain text, so that browsers do not run it.

use churn_core::{Activity, Customer, Payment, Ticket, Value};
use churn_platform::jobs::{Kind, start, work_off};
use churn_platform::repositories::accounts::CompanyName;
use churn_platform::views::format::encode;
use churn_store::{Role, User};

use crate::site::{Site, unescaped};

const PAYLOADS: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><script>alert(2)</script>",
    "'><img src=x onerror=alert(3)>",
    "<svg/onload=alert(4)>",
    "</title><script>alert(5)</script>",
    "</table><script>alert(6)</script>",
    "<iframe src=\"javascript:alert(7)\">",
    "\" onmouseover=\"alert(8)",
    "{{ 7 * 7 }}<b>9</b>",
    "<!--><script>alert(10)</script>-->",
    "&lt;script&gt;alert(11)&lt;/script&gt;",
    "\u{202e}<marquee onstart=alert(12)>",
];

#[tokio::test]
async fn payloads_in_every_text_are_shown_literally() {
    let site = Site::new().await;
    let tenant = site.app.store.tenant("t001");
    let until = tenant.company().get().await.unwrap().settings["observed_until"]
        .as_str()
        .unwrap()
        .to_owned();
    let until: churn_core::Timestamp = until.parse().unwrap();
    let (mut customers, mut payments, mut tickets, mut activities) = (vec![], vec![], vec![], vec![]);
    for (number, payload) in PAYLOADS.iter().enumerate() {
        let text = Value::Text((*payload).to_owned());
        let mut customer = Customer::new(*payload, until.plus_days(-200));
        for attribute in ["plan", "contract", "billing", "industry", "region"] {
            customer.attributes.insert(attribute.to_owned(), text.clone());
        }
        customers.push(customer);
        let mut payment =
            Payment::new(*payload, until.plus_days(-20), 10.0).with_payment_id(format!("{payload}{number}"));
        payment.attributes.insert("method".to_owned(), text.clone());
        payments.push(payment);
        let mut ticket = Ticket::new(*payload, until.plus_days(-10));
        ticket.attributes.insert("category".to_owned(), text.clone());
        tickets.push(ticket);
        let mut activity = Activity::new(*payload, until.plus_days(-5));
        activity.kind = Some((*payload).to_owned());
        activities.push(activity);
    }
    tenant.customers().upsert(customers).await.unwrap();
    tenant.payments().upsert(payments).await.unwrap();
    tenant.tickets().upsert(tickets).await.unwrap();
    tenant.activities().upsert(activities).await.unwrap();
    // The names of a company and of a user also contain a script.
    let company = CompanyName {
        company_id: "t001".to_owned(),
        name: PAYLOADS[0].to_owned(),
    };
    site.app.control.add_company(&company, 0).await.unwrap();
    let user = User {
        user_id: "eve".to_owned(),
        email: "eve@demo.example".to_owned(),
        name: Some(PAYLOADS[1].to_owned()),
        role: Role::Analyst,
    };
    tenant.users().upsert(&user).await.unwrap();
    start(&site.app.control, &site.app.clock, "t001", Kind::Score, "eve")
        .await
        .unwrap();
    work_off(&site.app).await.unwrap();

    let client = site.client("owner@demo.example").await;
    let mut pages = vec![
        "/c/t001/risk?band=all".to_owned(),
        "/c/t001/jobs".to_owned(),
        "/c/t001/models".to_owned(),
        "/c/t001/data".to_owned(),
        "/companies".to_owned(),
    ];
    for payload in PAYLOADS {
        pages.push(format!("/c/t001/customers?prefix={}", encode(payload)));
        pages.push(format!("/c/t001/customers/{}", encode(payload)));
        pages.push(format!("/login?next={}", encode(payload)));
    }
    for path in &pages {
        let page = site.page(path, &client).await;
        assert!(
            page.status == 200 || path.starts_with("/login"),
            "{path}: {}",
            page.status
        );
        for tag in ["<script", "<img", "<svg", "<iframe", "<marquee", "<b>", "<!-->"] {
            assert!(!page.body.contains(tag), "{path}: {tag}");
        }
        // A quotation mark in a text must not end an HTML attribute.
        assert!(!page.body.contains("\" onmouseover"), "{path}");
    }
    for payload in PAYLOADS {
        let page = site
            .page(&format!("/c/t001/customers/{}", encode(payload)), &client)
            .await;
        let shown = unescaped(&page.body);
        assert!(shown.contains(&format!("<h1>{payload}</h1>")), "{payload}");
        for field in ["plan", "contract", "billing", "industry", "region"] {
            assert!(
                shown.contains(&format!("<dt>{field}</dt><dd>{payload}</dd>")),
                "{field} {payload}"
            );
        }
        for event in ["method", "category", "kind"] {
            assert!(shown.contains(&format!("{event} {payload}")), "{event} {payload}");
        }
        let list = site
            .page(&format!("/c/t001/customers?prefix={}", encode(payload)), &client)
            .await;
        assert!(unescaped(&list.body).contains(&format!(">{payload}</a>")), "{payload}");
    }
    assert!(unescaped(&site.page("/c/t001/jobs", &client).await.body).contains(PAYLOADS[1]));
}

/// No template may turn escaping off or contain a script.
#[test]
fn no_template_marks_text_as_safe() {
    fn visit(folder: &std::path::Path, found: &mut usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            *found += 1;
            for forbidden in [
                "safe",
                "escape(",
                "<script",
                "style=",
                "//",
                " onclick",
                " onload",
                " onsubmit",
                " onchange",
            ] {
                assert!(!text.contains(forbidden), "{}: {forbidden}", path.display());
            }
        }
    }
    let mut found = 0;
    visit(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"),
        &mut found,
    );
    assert!(found > 10);
}
