//! An object of the directory, whatever its type.

use super::{Directory, made};
use crate::{
    graph::guid,
    simulator::{
        account_record::AccountRecord,
        record::{Field, Made, Record},
        schema::{Entity, Property},
        token::service_principal,
    },
};

/// An object of the directory, whatever its type.
pub(super) enum Object<'a> {
    Account(AccountRecord<'a>),
    Made(Made),
}

impl Object<'_> {
    fn record(&self) -> &dyn Record {
        match self {
            Self::Account(account) => account,
            Self::Made(made) => made,
        }
    }
}

impl Record for Object<'_> {
    fn entity(&self) -> &'static Entity {
        self.record().entity()
    }

    fn field(&self, property: &Property) -> Field<'_> {
        self.record().field(property)
    }
}

/// The object with this id.
pub(super) fn principal(directory: Directory<'_>, bits: u128) -> Option<Object<'_>> {
    let key = guid::text(bits);
    if let Some(at) = directory.tenant.position(&key) {
        return Some(Object::Account(directory.account(at)));
    }
    if bits == service_principal(&directory.credentials.client_id) {
        return Some(Object::Made(made::service(directory)));
    }
    made::find_group(directory, &key).ok().map(Object::Made)
}
