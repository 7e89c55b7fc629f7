//! Reading the page's markup: elements with attributes and text. Anything that is not well-formed is an error.

use std::collections::HashMap;

#[derive(Debug, Default)]
pub struct MarkupElement {
    pub name: String,
    pub attributes: HashMap<String, String>,
    pub children: Vec<Node>,
}

#[derive(Debug)]
pub enum Node {
    Text(String),
    Element(MarkupElement),
}

impl MarkupElement {
    /// The element of a document, after its `<!DOCTYPE>`.
    pub fn read(page: &str) -> Result<MarkupElement, String> {
        let mut rest = page.strip_prefix("<!DOCTYPE html>\n").ok_or("no doctype")?;
        let mut open: Vec<MarkupElement> = vec![MarkupElement::default()];
        while let Some(at) = rest.find('<') {
            let parent = open.last_mut().ok_or("an element is closed twice")?;
            parent.children.push(Node::Text(unescaped(&rest[..at])?));
            let end = rest[at..].find('>').ok_or("a tag without end")?;
            let tag = &rest[at + 1..at + end];
            rest = &rest[at + end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                let element = open.pop().ok_or("an element is closed twice")?;
                if element.name != name {
                    return Err(format!("<{}> is closed by </{name}>", element.name));
                }
                open.last_mut().ok_or("the root is closed")?.children.push(Node::Element(element));
                continue;
            }
            let element = start(tag.trim_end_matches('/'))?;
            match tag.ends_with('/') {
                true => open.last_mut().ok_or("no parent")?.children.push(Node::Element(element)),
                false => open.push(element),
            }
        }
        let root = open.pop().filter(|_| open.is_empty()).ok_or("an element is not closed")?;
        root.children.into_iter().find_map(Node::element).ok_or("nothing".to_string())
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    pub fn has_class(&self, class: &str) -> bool {
        self.attribute("class").split(' ').any(|other| other == class)
    }

    pub fn text(&self) -> String {
        let text = |node: &Node| match node {
            Node::Text(text) => text.clone(),
            Node::Element(element) => element.text(),
        };
        self.children.iter().map(text).collect()
    }

    /// It and all elements in it, in the order of the page.
    pub fn all(&self) -> Vec<&MarkupElement> {
        let mut all = vec![self];
        for node in &self.children {
            if let Node::Element(element) = node {
                all.extend(element.all());
            }
        }
        all
    }

    pub fn named(&self, name: &str) -> Vec<&MarkupElement> {
        self.all().into_iter().filter(|element| element.name == name).collect()
    }

    pub fn elements(&self) -> Vec<&MarkupElement> {
        let mut elements = Vec::new();
        for node in &self.children {
            if let Node::Element(element) = node {
                elements.push(element);
            }
        }
        elements
    }
}

impl Node {
    fn element(self) -> Option<MarkupElement> {
        if let Node::Element(element) = self { Some(element) } else { None }
    }
}

/// `name attribute="value" …`
fn start(tag: &str) -> Result<MarkupElement, String> {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let is_name =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_name(name) {
        return Err(format!("no name: <{tag}>"));
    }
    let mut attributes = HashMap::new();
    while !rest.trim().is_empty() {
        let (name, value) = rest.trim_start().split_once("=\"").ok_or(format!("no value: <{tag}>"))?;
        let (value, after) = value.split_once('"').ok_or(format!("no end: <{tag}>"))?;
        if !is_name(name) || attributes.insert(name.to_string(), unescaped(value)?).is_some() {
            return Err(format!("{name}: <{tag}>"));
        }
        rest = after;
    }
    Ok(MarkupElement { name: name.to_string(), attributes, children: Vec::new() })
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        let (entity, rest) = piece.split_once(';').ok_or(format!("&{piece}"))?;
        let known = [("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\"")];
        let known = known.iter().find(|(name, _)| *name == entity).ok_or(format!("&{entity};"))?;
        plain = plain + known.1 + rest;
    }
    Ok(plain)
}
