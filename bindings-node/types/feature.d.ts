/**
 * A condition on a column of a record. It is evaluated with the values that were known at `asOf`, the date of the
 * features.
 */
export type ColumnCondition = {
    oneOf: {
        column: string;
        values: readonly string[];
    };
} | {
    atLeast: {
        column: string;
        value: number;
    };
} | {
    atMost: {
        column: string;
        value: number;
    };
} | {
    is: {
        column: string;
        value: boolean;
    };
};
/** A condition on a payment. It is evaluated with the values that were known at `asOf`, the date of the features. */
export type PaymentCondition = 'paid' | 'failed' | 'pending' | 'settled' | 'unpaid' | ColumnCondition;
/** A condition on a ticket. It is evaluated with the values that were known at `asOf`, the date of the features. */
export type TicketCondition = 'open' | 'responded' | 'urgent' | ColumnCondition;
/** A function that computes the value of a feature from the customer's records in the window of the feature. */
export type Aggregation<Condition> = 'sum' | 'mean' | 'max' | 'min' | 'std' | 'last' | 'distinct' | 'change' | 'ratio_to_baseline' | 'days_since_last' | 'days_since_first' | 'recency_ratio' | 'periods_missed' | {
    share: readonly Condition[];
} | {
    streak: readonly Condition[];
};
interface Windowed<Condition> {
    /** Name of the feature. It must differ from the names of all other features, including the standard features. */
    name: string;
    /** Conditions on records. The feature reads only records that meet all conditions. Default: no conditions. */
    filter?: readonly Condition[];
    /** How the values are aggregated. Default: `'sum'`, which gives the number of records if the measure is `'count'`. */
    function?: Aggregation<Condition>;
    /** Length in days of the window, which ends at `asOf` (the date of the features). Default: the whole history. */
    window?: number | null;
}
/** A custom feature of payments. */
export interface PaymentFeature extends Windowed<PaymentCondition> {
    source: 'payments';
    /** The timestamp that decides whether a record is in the window. Default: `'event'`, the time of the event itself. */
    axis?: 'event' | 'refunded_at';
    /** The value that is read from each record. Default: `'count'`. */
    measure?: 'count' | 'amount' | 'late_days' | 'date' | 'gap_days' | {
        attribute: string;
    };
}
/** A custom feature of tickets. */
export interface TicketFeature extends Windowed<TicketCondition> {
    source: 'tickets';
    /** The timestamp that decides whether a record is in the window. Default: `'event'`, the time of the event itself. */
    axis?: 'event' | 'resolved_at' | 'reopened_at' | 'satisfaction_at';
    /** The value that is read from each record. Default: `'count'`. */
    measure?: 'count' | 'resolution_hours' | 'first_response_hours' | 'satisfaction' | 'date' | 'gap_days' | {
        attribute: string;
    };
}
/** A custom feature of activities. */
export interface ActivityFeature extends Windowed<ColumnCondition> {
    source: 'activities';
    axis?: 'event';
    /** The value that is read from each record. Default: `'count'`. */
    measure?: 'count' | 'quantity' | 'kind' | 'date' | 'gap_days' | {
        attribute: string;
    };
}
/** A custom feature of the customers table. */
export interface CustomerFeature {
    /** Name of the feature. It must differ from the names of all other features, including the standard features. */
    name: string;
    source: 'customers';
    /** The value that is read from the customer. Default: `'tenure_days'`. */
    measure?: 'tenure_days' | 'days_to_renewal' | 'days_since_change' | {
        attribute: string;
    };
    /**
     * `'value'` (default) is the value at `asOf` (the date of the features). `'change'` is the change of the value over
     * the window.
     */
    function?: 'value' | 'change';
    /**
     * Length in days of the window, which ends at `asOf` (the date of the features). The window is used only by the
     * function `'change'`.
     */
    window?: number | null;
}
/**
 * A custom feature. It defines which records are read, which value is read from each record, and how the values are
 * aggregated.
 */
export type Feature = PaymentFeature | TicketFeature | ActivityFeature | CustomerFeature;
export {};
