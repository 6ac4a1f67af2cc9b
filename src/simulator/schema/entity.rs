//! A type of Graph: its properties, and what a request may do with each of them.

/// The type of a value, as the metadata has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) enum Kind {
    Boolean,
    Number,
    Text,
    /// A time with its zone, in ISO 8601.
    Time,
    Guid,
    /// A list of texts.
    Texts,
    /// A complex type, by its name.
    Object(&'static str),
    /// A list of a complex type.
    Objects(&'static str),
}

impl Kind {
    /// Its name in Graph's messages.
    pub(in crate::simulator) fn name(self) -> String {
        match self {
            Self::Boolean => "Edm.Boolean".into(),
            Self::Number => "Edm.Int32".into(),
            Self::Text => "Edm.String".into(),
            Self::Time => "Edm.DateTimeOffset".into(),
            Self::Guid => "Edm.Guid".into(),
            Self::Texts => "Collection(Edm.String)".into(),
            Self::Object(name) => format!("microsoft.graph.{name}"),
            Self::Objects(name) => format!("Collection(microsoft.graph.{name})"),
        }
    }

    pub(in crate::simulator) fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Objects(_))
    }
}

/// Whether a query can use a property, and with which parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) enum Support {
    Never,
    /// Only with `ConsistencyLevel: eventual` and `$count=true`.
    Advanced,
    /// In every query.
    Plain,
}

/// Who may write a property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) enum Access {
    ReadOnly,
    /// Administrators, for every account.
    Writable,
    /// A sensitive action: administrators, but not for an account with a higher role.
    Sensitive,
}

/// One property of a type.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub nullable: bool,
    /// Whether it is in an answer to a request without `$select`.
    pub default: bool,
    /// `eq` in a filter. Where it is supported, `in` is as well, and `ne` and `not` in advanced queries.
    pub equal: Support,
    /// `startsWith` in a filter.
    pub starts: Support,
    /// `ge` and `le` in a filter.
    pub range: Support,
    /// `eq null` in a filter.
    pub null: Support,
    /// `endsWith` in a filter, only in advanced queries.
    pub ends: bool,
    /// `$orderby`.
    pub order: Support,
    /// `$search`.
    pub search: bool,
    pub access: Access,
}

/// A type, with an id or complex. Types are compared by their names.
#[derive(Debug)]
pub(in crate::simulator) struct Entity {
    /// Its name without its namespace.
    pub name: &'static str,
    pub properties: &'static [Property],
    /// The navigation properties that can be expanded.
    pub navigation: &'static [&'static str],
}

impl PartialEq for Entity {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Entity {
    /// A property by its name; like Graph, it ignores case.
    pub(in crate::simulator) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name.eq_ignore_ascii_case(name))
    }

    /// The name of the resource in messages of the directory: `User`.
    pub(in crate::simulator) fn resource(&self) -> String {
        let (first, rest) = self.name.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    }
}

impl PartialEq for Property {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A property that can only be read, and only on request.
pub(super) const fn property(name: &'static str, kind: Kind) -> Property {
    Property {
        name,
        kind,
        nullable: true,
        default: false,
        equal: Support::Never,
        starts: Support::Never,
        range: Support::Never,
        null: Support::Never,
        ends: false,
        order: Support::Never,
        search: false,
        access: Access::ReadOnly,
    }
}

impl Property {
    pub(super) const fn by_default(self) -> Self {
        Self { default: true, ..self }
    }

    pub(super) const fn never_null(self) -> Self {
        Self { nullable: false, ..self }
    }

    /// What a filter can do: `eq`, `startsWith`, `ge` and `le`, and `eq null`.
    pub(super) const fn filter(self, equal: Support, starts: Support, range: Support, null: Support) -> Self {
        Self { equal, starts, range, null, ..self }
    }

    pub(super) const fn ends_with(self) -> Self {
        Self { ends: true, ..self }
    }

    pub(super) const fn sorts(self, order: Support) -> Self {
        Self { order, ..self }
    }

    pub(super) const fn searched(self) -> Self {
        Self { search: true, ..self }
    }

    pub(super) const fn writable(self) -> Self {
        Self { access: Access::Writable, ..self }
    }

    pub(super) const fn sensitive(self) -> Self {
        Self { access: Access::Sensitive, ..self }
    }
}
