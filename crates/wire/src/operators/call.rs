//! The calls of the operators' API: where each is, what it takes and what it answers. The gateway
//! serves exactly these, and a client calls them.

use std::marker::PhantomData;

use super::delivery::{DeliveryList, LetterAsked, LetterView};
use super::hold::{
    FieldCorrection, HoldAsked, HoldCauses, HoldCausesAsked, HoldCleared, HoldPage, HoldShown,
    HoldsAlike, HoldsAsked,
};
use super::mapping::{
    Candidate, CandidateAnswer, ForceAsked, MappingHistory, MappingRollback, MappingRolledBack,
};
use super::{
    Because, DeadQueues, DeadReturn, ForceDayAsked, GatewayStatus, IncidentList, MessagesMoved,
    ProviderDay, ProviderDayAsked, SendAgain,
};
use crate::api::Reconciliation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// One call. `P`: the parameters, those that the path names and those of the query; `B`: the body;
/// `A`: the answer. `()`: nothing.
#[derive(Debug)]
pub struct OperatorCall<P, B, A> {
    pub method: Method,
    /// `{name}` stands for the parameter of that name.
    pub path: &'static str,
    /// Stable name for generated clients.
    pub operation: &'static str,
    types: PhantomData<fn(P, B) -> A>,
}

const fn get<P, A>(operation: &'static str, path: &'static str) -> OperatorCall<P, (), A> {
    OperatorCall { method: Method::Get, path, operation, types: PhantomData }
}

const fn post<P, B, A>(operation: &'static str, path: &'static str) -> OperatorCall<P, B, A> {
    OperatorCall { method: Method::Post, path, operation, types: PhantomData }
}

pub const STATUS: OperatorCall<(), (), GatewayStatus> = get("getStatus", "/v1/status");
pub const INCIDENTS: OperatorCall<(), (), IncidentList> = get("getIncidents", "/v1/incidents");

pub const HOLDS: OperatorCall<HoldsAsked, (), HoldPage> = get("getHolds", "/v1/holds");
pub const HOLD_CAUSES: OperatorCall<HoldCausesAsked, (), HoldCauses> =
    get("getHoldCauses", "/v1/holds/causes");
pub const HOLD: OperatorCall<HoldAsked, (), HoldShown> = get("getHold", "/v1/holds/{hold_id}");
pub const UNMASK_HOLD: OperatorCall<HoldAsked, Because, HoldShown> =
    post("unmaskHold", "/v1/holds/{hold_id}/unmask");
pub const HOLDS_ALIKE: OperatorCall<HoldAsked, (), HoldsAlike> =
    get("getHoldsAlike", "/v1/holds/{hold_id}/alike");
pub const RELEASE_HOLD: OperatorCall<HoldAsked, Because, HoldCleared> =
    post("releaseHold", "/v1/holds/{hold_id}/release");
pub const CORRECT_HOLD: OperatorCall<HoldAsked, FieldCorrection, HoldCleared> =
    post("correctHold", "/v1/holds/{hold_id}/correct");
pub const RETURN_HOLD: OperatorCall<HoldAsked, Because, ()> =
    post("returnHold", "/v1/holds/{hold_id}/return");

pub const ACCEPT_CLOCK: OperatorCall<(), Because, ()> = post("acceptClock", "/v1/clock/accept");

pub const MAPPINGS: OperatorCall<ForceAsked, (), MappingHistory> =
    get("getMappings", "/v1/mappings");
pub const PUT_MAPPING: OperatorCall<(), Candidate, CandidateAnswer> =
    post("putMapping", "/v1/mappings");
pub const ROLL_BACK_MAPPING: OperatorCall<(), MappingRollback, MappingRolledBack> =
    post("rollBackMapping", "/v1/mappings/rollback");

pub const DELIVERIES: OperatorCall<(), (), DeliveryList> = get("getDeliveries", "/v1/deliveries");
pub const PAUSE_DELIVERY: OperatorCall<ForceAsked, Because, ()> =
    post("pauseDelivery", "/v1/deliveries/{force}/pause");
pub const RESUME_DELIVERY: OperatorCall<ForceAsked, Because, ()> =
    post("resumeDelivery", "/v1/deliveries/{force}/resume");
pub const LETTER: OperatorCall<LetterAsked, (), LetterView> =
    get("getLetter", "/v1/letters/{notice_id}");
pub const CANCEL_LETTER: OperatorCall<LetterAsked, Because, ()> =
    post("cancelLetter", "/v1/letters/{notice_id}/cancel");
pub const RESEND_LETTER: OperatorCall<LetterAsked, Because, ()> =
    post("resendLetter", "/v1/letters/{notice_id}/resend");

pub const FORCE_DAY: OperatorCall<ForceDayAsked, (), Reconciliation> =
    get("getForceDay", "/v1/reconciliation/forces/{force}");
pub const PROVIDER_DAY: OperatorCall<ProviderDayAsked, (), ProviderDay> =
    get("getProviderDay", "/v1/reconciliation/providers/{provider}");

pub const DEAD_QUEUES: OperatorCall<(), (), DeadQueues> = get("getDeadQueues", "/v1/dead");
pub const RETURN_DEAD: OperatorCall<(), DeadReturn, MessagesMoved> =
    post("returnDead", "/v1/dead/return");
pub const RESEND: OperatorCall<(), SendAgain, MessagesMoved> = post("resend", "/v1/resend");
