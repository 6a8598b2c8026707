//! Conditions. Of one that is unknown both ways are gone, and what both leave alike is known.

use super::ast::{At, Expr, Statement};
use super::cause::Cause;
use super::run::{Flow, Run, Scope, Slot};
use super::value::Value;

impl Run<'_> {
    pub(super) fn choose(
        &mut self,
        branches: &[(Expr, Vec<Statement>)],
        other: &[Statement],
    ) -> Flow {
        for (number, (condition, body)) in branches.iter().enumerate() {
            match self.holds(condition) {
                Ok(true) => return self.block(body),
                Ok(false) => {}
                Err(cause) => {
                    let rest = &branches[number + 1..];
                    let both = self.deeper(condition.at, |run| {
                        Ok(run.both(condition.at, cause, body, rest, other))
                    });
                    return both.unwrap_or_else(Flow::Lost);
                }
            }
        }
        self.block(other)
    }

    /// Nobody knows whether the condition holds: what both ways set alike is known.
    fn both(
        &mut self,
        at: At,
        cause: Cause,
        body: &[Statement],
        rest: &[(Expr, Vec<Statement>)],
        other: &[Statement],
    ) -> Flow {
        let before = self.scope().clone();
        if let Err(cause) = self.spend(before.len(), at) {
            return Flow::Lost(cause);
        }
        let unsure = std::mem::replace(&mut self.causes.unsure, true);
        self.branches.push((self.heap.mark(), cause));
        let one = self.block(body);
        let after_one = std::mem::replace(self.scope(), before);
        let two = self.choose(rest, other);
        self.branches.pop();
        self.causes.unsure = unsure;
        self.merge(after_one, cause);
        match (one, two) {
            (Flow::Next, Flow::Next) => Flow::Next,
            (Flow::Break, Flow::Break) => Flow::Break,
            (Flow::Continue, Flow::Continue) => Flow::Continue,
            (Flow::Return(one), Flow::Return(two)) => match self.alike(&one, &two) {
                true => Flow::Return(one),
                false => Flow::Return(Value::Unknown(cause)),
            },
            (Flow::Lost(cause), _) | (_, Flow::Lost(cause)) => Flow::Lost(cause),
            _ => Flow::Lost(cause),
        }
    }

    fn merge(&mut self, other: Scope, cause: Cause) {
        let mut mine = std::mem::take(self.scope());
        for (name, own) in &mut mine {
            let alike = other
                .get(name)
                .is_some_and(|slot| self.alike(&own.value, &slot.value));
            if !alike {
                own.value = Value::Unknown(cause);
            }
        }
        for (name, slot) in other {
            let value = Value::Unknown(cause);
            let order = slot.order;
            let own = mine.entry(name).or_insert(Slot { value, ..slot });
            own.order = own.order.min(order);
        }
        *self.scope() = mine;
    }
}
