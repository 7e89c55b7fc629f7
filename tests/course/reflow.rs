//! A lesson's Markdown as lines of a terminal: paragraphs filled to its width, blocks wrapped where they are wider.

use crate::harness::text::display_width;
use crate::harness::wrap::{filled, joined, pieces};

/// How a line is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Style {
    Prose,
    Heading,
    Fence,
    Trace,
    /// What a student types.
    Command,
    /// Any other block.
    Block,
}

/// The lines of `page`, each at most `width` columns wide.
pub fn lines(page: &str, width: usize) -> Vec<(Style, String)> {
    let mut lines = Vec::new();
    let mut paragraph: Option<String> = None;
    let mut block: Option<Style> = None;
    for line in page.lines() {
        let is_fence = line.starts_with("```");
        let continues = block.is_none() && !is_fence && continues_paragraph(line);
        if let Some(text) = paragraph.take_if(|_| !continues) {
            lines.extend(filled_paragraph(&text, width));
        }
        match (block, &paragraph) {
            (_, _) if is_fence => {
                let opened = match line {
                    "```sh" => Style::Command,
                    _ if line.starts_with("```trace") => Style::Trace,
                    _ => Style::Block,
                };
                block = if block.is_none() { Some(opened) } else { None };
                lines.push((Style::Fence, line.to_string()));
            }
            (Some(Style::Command), _) => {
                lines.extend(command(line, width).into_iter().map(|piece| (Style::Command, piece)));
            }
            (Some(style), _) => {
                lines.extend(pieces(line, 0, width).into_iter().map(|piece| (style, piece.to_string())))
            }
            (None, Some(text)) => paragraph = Some(joined(text, line.trim_start())),
            (None, None) if line.starts_with('#') => {
                lines.extend(filled(line, width, 0).into_iter().map(|line| (Style::Heading, line)));
            }
            (None, None) if line.is_empty() || line.starts_with(['|', '<']) => {
                lines.extend(
                    pieces(line, 0, width).into_iter().map(|piece| (Style::Prose, piece.to_string())),
                );
            }
            (None, None) => paragraph = Some(line.to_string()),
        }
    }
    if let Some(text) = paragraph {
        lines.extend(filled_paragraph(&text, width));
    }
    lines
}

/// Whether a line continues the paragraph before it, if there is one.
fn continues_paragraph(line: &str) -> bool {
    !line.is_empty() && !line.starts_with(['#', '|', '<']) && item(line) == 0
}

/// The length of the sign of a list's item, `- ` or `1. `; 0 if it is none.
fn item(line: &str) -> usize {
    let text = line.trim_start();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match text {
        _ if text.starts_with("- ") => line.len() - text.len() + 2,
        _ if digits > 0 && text[digits..].starts_with(". ") => line.len() - text.len() + digits + 2,
        _ => 0,
    }
}

/// A command in lines that a shell takes for one when they are copied: each but the last ends in a backslash.
fn command(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = line;
    while display_width(rest) > width {
        let (mut at, mut quoted) = (None, false);
        for (place, letter) in rest.char_indices() {
            if display_width(&rest[..place]) + 2 > width {
                break;
            }
            quoted ^= letter == '\'';
            // A backslash between single quotes would be one of the text.
            if letter == ' ' && !quoted && place > 0 {
                at = Some(place);
            }
        }
        let Some(at) = at else { break };
        lines.push(format!("{} \\", &rest[..at]));
        rest = &rest[at + 1..];
    }
    lines.push(rest.to_string());
    lines
}

fn filled_paragraph(text: &str, width: usize) -> Vec<(Style, String)> {
    filled(text, width, item(text)).into_iter().map(|line| (Style::Prose, line)).collect()
}
