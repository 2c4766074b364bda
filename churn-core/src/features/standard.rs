//! The catalogue of standard features. Each standard feature is declared as a `Feature`, like the features that a user
//! declares.

use crate::error::RecordKind;
use crate::features::plan::{Axis, Condition, Feature, Function, Measure};
use crate::record::{Attribute, AttributeValues, TenantRecords, is_reserved};
use crate::time::Window;

/// The properties of a tenant's records that determine which standard features exist.
pub(crate) struct Schema<'a> {
    payments: bool,
    tickets: bool,
    activities: bool,
    renewal: bool,
    dated: bool,
    returning: bool,
    /// The usable attributes of customers. The flag states whether the attribute is dated, which means that its earlier
    /// values are known.
    attributes: Vec<(&'a Attribute, bool)>,
}

impl<'a> Schema<'a> {
    /// Reads the schema of records. An attribute of customers is usable if the customers table is dated, or if the
    /// caller declares the attribute static. An attribute with a reserved name is not usable, because its feature would
    /// have the same name as another standard feature.
    pub(crate) fn of(records: &'a TenantRecords) -> Self {
        let customers = &records.customers;
        let is_static = |name: &str| records.static_attributes.includes(name);
        let attributes = customers
            .attributes
            .iter()
            .filter(|attribute| (customers.dated || is_static(&attribute.name)) && !is_reserved(&attribute.name));
        Self {
            payments: records.payments.is_some(),
            tickets: records.tickets.is_some(),
            activities: records.activities.is_some(),
            renewal: customers.renews_at.is_some() && (customers.dated || is_static("renews_at")),
            dated: customers.dated,
            returning: customers.returning,
            attributes: attributes
                .map(|attribute| (attribute, customers.dated && !is_static(&attribute.name)))
                .collect(),
        }
    }
}

/// All standard features, in catalogue order.
pub(crate) fn features(windows: &[Window], schema: &Schema<'_>) -> Vec<Feature> {
    let mut features = customers(windows, schema);
    for (given, declare) in [
        (schema.payments, payments as fn(&[Window]) -> Vec<Feature>),
        (schema.tickets, tickets),
        (schema.activities, activities),
    ] {
        if given {
            features.extend(declare(windows));
        }
    }
    features
}

fn customers(windows: &[Window], schema: &Schema<'_>) -> Vec<Feature> {
    let customer = |name: String, measure| Feature::new(name, RecordKind::Customers).measure(measure);
    let mut features = vec![customer("customer_tenure_days".into(), Measure::TenureDays)];
    if schema.renewal {
        features.push(customer("customer_days_to_renewal".into(), Measure::DaysToRenewal));
    }
    for (attribute, dated) in &schema.attributes {
        let name = &attribute.name;
        let value = customer(format!("customer_{name}"), Measure::Attribute(name.clone()));
        if *dated && matches!(attribute.values, AttributeValues::Number(_)) {
            let change = |window: &Window| Feature {
                name: format!("customer_{name}_change_{}d", window.as_days()),
                function: Function::Change,
                window: Some(window.as_days()),
                ..value.clone()
            };
            let changes: Vec<Feature> = windows.iter().map(change).collect();
            features.push(value);
            features.extend(changes);
        } else {
            features.push(value);
        }
    }
    if schema.dated {
        features.push(customer("customer_days_since_change".into(), Measure::DaysSinceChange));
    }
    if schema.returning {
        features.extend([
            customer("customer_earlier_spells".into(), Measure::EarlierSpells),
            customer("customer_days_since_last_end".into(), Measure::DaysSinceLastEnd),
            customer(
                "customer_days_since_first_sign_up".into(),
                Measure::DaysSinceFirstSignUp,
            ),
        ]);
    }
    features
}

fn payments(windows: &[Window]) -> Vec<Feature> {
    use Condition::{Failed, Paid, Pending, Settled, Unpaid};
    let all = |name: String| Feature::new(name, RecordKind::Payments);
    let those = |condition: Condition, name: String| all(name).filter([condition]);
    let mut features = vec![];
    for &window in windows {
        let d = window.as_days();
        let paid = |what: &str| those(Paid, format!("payments_{what}_{d}d"));
        let in_window = [
            all(format!("payments_count_{d}d")),
            paid("paid_count"),
            those(Failed, format!("payments_failed_count_{d}d")),
            all(format!("payments_refunded_count_{d}d")).axis(Axis::RefundedAt),
            all(format!("payments_refunded_sum_{d}d"))
                .axis(Axis::RefundedAt)
                .measure(Measure::Amount),
            paid("paid_sum").measure(Measure::Amount),
            paid("paid_mean").measure(Measure::Amount).function(Function::Mean),
            paid("paid_max").measure(Measure::Amount).function(Function::Max),
            paid("paid_std").measure(Measure::Amount).function(Function::Std),
            those(Settled, format!("payments_failed_share_{d}d")).function(Function::Share(vec![Failed])),
            paid("late_days_mean")
                .measure(Measure::LateDays)
                .function(Function::Mean),
            paid("paid_sum_change")
                .measure(Measure::Amount)
                .function(Function::Change),
            paid("paid_sum_vs_usual")
                .measure(Measure::Amount)
                .function(Function::RatioToBaseline),
            paid("gap_days_mean").measure(Measure::GapDays).function(Function::Mean),
            paid("gap_days_std").measure(Measure::GapDays).function(Function::Std),
        ];
        features.extend(in_window.map(|feature| feature.window(d)));
    }
    let paid = |what: &str| those(Paid, format!("payments_{what}"));
    features.extend([
        all("payments_lifetime_count".into()),
        paid("lifetime_paid_sum").measure(Measure::Amount),
        paid("days_since_last_paid").function(Function::DaysSinceLast),
        paid("days_since_first_paid").function(Function::DaysSinceFirst),
        paid("last_paid_amount")
            .measure(Measure::Amount)
            .function(Function::Last),
        those(Pending, "payments_overdue_count".into()),
        those(Pending, "payments_overdue_sum".into()).measure(Measure::Amount),
        those(Unpaid, "payments_unpaid_count".into()),
        those(Unpaid, "payments_unpaid_sum".into()).measure(Measure::Amount),
        those(Settled, "payments_failed_streak".into()).function(Function::Streak(vec![Failed])),
        paid("gap_days_mean").measure(Measure::GapDays).function(Function::Mean),
        paid("gap_days_std").measure(Measure::GapDays).function(Function::Std),
        paid("recency_ratio").function(Function::RecencyRatio),
        paid("periods_missed").function(Function::PeriodsMissed),
    ]);
    features
}

fn tickets(windows: &[Window]) -> Vec<Feature> {
    let all = |name: String| Feature::new(name, RecordKind::Tickets);
    let mut features = vec![];
    for &window in windows {
        let d = window.as_days();
        let named = |what: &str| all(format!("tickets_{what}_{d}d"));
        let in_window = [
            named("count"),
            named("urgent_count").filter([Condition::Urgent]),
            named("reopened_count").axis(Axis::ReopenedAt),
            named("resolved_count").axis(Axis::ResolvedAt),
            named("resolution_hours_mean")
                .axis(Axis::ResolvedAt)
                .measure(Measure::ResolutionHours)
                .function(Function::Mean),
            named("satisfaction_mean")
                .axis(Axis::SatisfactionAt)
                .measure(Measure::Satisfaction)
                .function(Function::Mean),
            named("first_response_hours_mean")
                .filter([Condition::Responded])
                .measure(Measure::FirstResponseHours)
                .function(Function::Mean),
            named("count_change").function(Function::Change),
            named("count_vs_usual").function(Function::RatioToBaseline),
        ];
        features.extend(in_window.map(|feature| feature.window(d)));
    }
    features.extend([
        all("tickets_lifetime_count".into()),
        all("tickets_open_count".into()).filter([Condition::Open]),
        all("tickets_oldest_open_days".into())
            .filter([Condition::Open])
            .function(Function::DaysSinceFirst),
        all("tickets_days_since_last".into()).function(Function::DaysSinceLast),
        all("tickets_last_satisfaction".into())
            .axis(Axis::SatisfactionAt)
            .measure(Measure::Satisfaction)
            .function(Function::Last),
    ]);
    features
}

fn activities(windows: &[Window]) -> Vec<Feature> {
    let all = |name: String| Feature::new(name, RecordKind::Activities);
    let mut features = vec![];
    for &window in windows {
        let d = window.as_days();
        let named = |what: &str| all(format!("activities_{what}_{d}d"));
        let in_window = [
            named("count"),
            named("quantity_sum").measure(Measure::Quantity),
            named("active_days").measure(Measure::Date).function(Function::Distinct),
            named("kinds").measure(Measure::Kind).function(Function::Distinct),
            named("count_change").function(Function::Change),
            named("count_vs_usual").function(Function::RatioToBaseline),
        ];
        features.extend(in_window.map(|feature| feature.window(d)));
    }
    features.extend([
        all("activities_lifetime_count".into()),
        all("activities_days_since_last".into()).function(Function::DaysSinceLast),
        all("activities_gap_days_mean".into())
            .measure(Measure::GapDays)
            .function(Function::Mean),
        all("activities_recency_ratio".into()).function(Function::RecencyRatio),
    ]);
    features
}
