//! Stages of a pipeline as data, and elements made of them.

use std::str::FromStr;

use gst::prelude::*;
use gstreamer as gst;

use crate::PipelineError;

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// An element with settings.
    Element {
        /// Its factory.
        factory: String,
        /// Its properties.
        settings: Vec<Setting>,
    },
    /// What passes here, in GStreamer's form of caps.
    Caps(String),
}

/// A property that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The property.
    pub name: &'static str,
    /// Its value as GStreamer reads it; of an enumeration the nick.
    pub value: String,
    /// Whether elements of lesser devices may lack it.
    pub optional: bool,
}

impl Stage {
    /// An element without settings.
    pub fn element(factory: impl Into<String>) -> Self {
        Self::Element { factory: factory.into(), settings: Vec::new() }
    }

    /// The same with a property set.
    #[must_use]
    pub fn set(self, name: &'static str, value: impl ToString) -> Self {
        self.with(Setting { name, value: value.to_string(), optional: false })
    }

    /// The same with a property set where it exists.
    #[must_use]
    pub fn set_if_there(self, name: &'static str, value: impl ToString) -> Self {
        self.with(Setting { name, value: value.to_string(), optional: true })
    }

    fn with(mut self, setting: Setting) -> Self {
        if let Self::Element { settings, .. } = &mut self {
            settings.push(setting);
        }
        self
    }

    /// The element this describes, every setting checked against it.
    ///
    /// # Errors
    /// [`PipelineError::Device`] if this host's GStreamer has no such element, property or value.
    pub fn make(&self) -> Result<gst::Element, PipelineError> {
        let (factory, settings) = match self {
            Self::Element { factory, settings } => (factory, settings),
            Self::Caps(caps) => return filter(caps),
        };
        let lacks = |what: String| PipelineError::device(format!("GStreamer has no {what}"));
        let element = gst::ElementFactory::make(factory)
            .build()
            .map_err(|_| lacks(format!("element {factory} on this host")))?;
        for Setting { name, value, optional } in settings {
            let Some(property) = element.find_property(name) else {
                if *optional {
                    continue;
                }
                return Err(lacks(format!("property {name} of {factory}")));
            };
            let read = gst::glib::Value::deserialize_with_pspec(value, &property)
                .map_err(|_| lacks(format!("{name}={value} of {factory}")))?;
            element.set_property_from_value(name, &read);
        }
        Ok(element)
    }
}

fn filter(caps: &str) -> Result<gst::Element, PipelineError> {
    let parsed = gst::Caps::from_str(caps)
        .map_err(|_| PipelineError::Internal(format!("caps that are none: {caps}")))?;
    gst::ElementFactory::make("capsfilter")
        .property("caps", parsed)
        .build()
        .map_err(|_| PipelineError::MissingElement("capsfilter"))
}
