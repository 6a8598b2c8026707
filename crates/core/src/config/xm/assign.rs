//! Setting and deleting names and elements.

use super::ast::{At, Expr, Kind};
use super::cause::Cause;
use super::run::Run;
use super::value::Value;

impl Run<'_> {
    pub(super) fn assign(&mut self, target: &Expr, value: Value, at: At) {
        match &target.kind {
            Kind::Name(name) => self.bind(name, value, target.at, at),
            Kind::List(parts) | Kind::Tuple(parts) => self.unpack(parts, value, at),
            Kind::Subscript(of, index) => {
                if let Err(cause) = self.assign_index(of, index, value, target.at) {
                    self.forget_target(target, cause);
                }
            }
            _ => {
                let hint = "set the whole value";
                let cause = self.causes.foreign(target.at, "this assignment", hint);
                self.forget_target(target, cause);
            }
        }
    }

    fn forget_target(&mut self, target: &Expr, cause: Cause) {
        let mut of = target;
        while let Kind::Subscript(inner, _) | Kind::Slice(inner, _) | Kind::Attribute(inner, _) =
            &of.kind
        {
            of = inner;
        }
        if let Kind::Name(name) = &of.kind {
            if let Some(Value::List(id) | Value::Dict(id)) = self.lookup(name) {
                let id = *id;
                self.heap.spoil(id, cause);
            }
            self.bind(name, Value::Unknown(cause), of.at, of.at);
        }
    }

    fn unpack(&mut self, parts: &[Expr], value: Value, at: At) {
        let items = match value {
            Value::Unknown(cause) => Err(cause),
            value => self.elements(&value, at),
        };
        match items {
            Ok(items) if items.len() == parts.len() => {
                for (part, item) in parts.iter().zip(items) {
                    self.assign(part, item, at);
                }
            }
            other => {
                let cause = match other {
                    Err(cause) => cause,
                    Ok(items) => {
                        let message = format!(
                            "{} values cannot be set to {} names",
                            items.len(),
                            parts.len()
                        );
                        self.causes.fault(at, message)
                    }
                };
                for part in parts {
                    self.assign(part, Value::Unknown(cause), at);
                }
            }
        }
    }

    pub(super) fn delete(&mut self, target: &Expr) {
        match &target.kind {
            Kind::Name(name) => {
                if self.scope().remove(name).is_none() {
                    self.causes.name(name, target.at);
                }
            }
            Kind::Tuple(parts) | Kind::List(parts) => {
                parts.iter().for_each(|part| self.delete(part));
            }
            Kind::Subscript(of, index) => {
                if let Err(cause) = self.delete_index(of, index, target.at) {
                    self.forget_target(target, cause);
                }
            }
            _ => {
                let cause =
                    self.causes
                        .foreign(target.at, "this `del`", "write the value without it");
                self.forget_target(target, cause);
            }
        }
    }
}
