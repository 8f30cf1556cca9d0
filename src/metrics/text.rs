//! Prometheus's text format, version 0.0.4.

use std::fmt::Write;

use super::kinds::{BOUNDS, Histogram};

/// What a family of samples is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It grows and shrinks.
    Gauge,
    /// How often something took how long.
    Histogram,
}

/// A page of samples that is being written.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// What a page says it is.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family: all its samples have to follow. Names are ours and have no odd characters.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A family of one sample without labels.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A sample of the family that was begun last.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        self.labels(labels);
        let _ = writeln!(self.0, " {value}");
    }

    /// A histogram of the family that was begun last.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let counts = histogram.at_most();
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(counts) {
            let labels: Vec<_> = labels
                .iter()
                .copied()
                .chain([("le", bound.as_str())])
                .collect();
            self.sample(&format!("{name}_bucket"), &labels, count as f64);
        }
        let all = counts.last().copied().unwrap_or(0);
        self.sample(&format!("{name}_sum"), labels, histogram.seconds());
        self.sample(&format!("{name}_count"), labels, all as f64);
    }

    /// The page.
    pub fn into_string(self) -> String {
        self.0
    }

    fn labels(&mut self, labels: &[(&str, &str)]) {
        for (n, (name, value)) in labels.iter().enumerate() {
            let open = if n == 0 { '{' } else { ',' };
            let value = value
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{open}{name}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Kind, Text};
    use crate::metrics::Histogram;

    #[test]
    fn samples_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        text.single("a_total", Kind::Counter, "Of a.", 3.0);
        text.family("b", Kind::Gauge, "Of b.");
        text.sample("b", &[("x", "1\"\\\n"), ("y", "z")], 0.5);
        assert_eq!(
            text.into_string(),
            "# HELP a_total Of a.\n# TYPE a_total counter\na_total 3\n\
             # HELP b Of b.\n# TYPE b gauge\nb{x=\"1\\\"\\\\\\n\",y=\"z\"} 0.5\n"
        );
    }

    #[test]
    fn a_histogram_is_its_buckets_their_sum_and_their_number() {
        let histogram = Histogram::new();
        histogram.note(Duration::from_millis(15));
        let mut text = Text::default();
        text.family("t", Kind::Histogram, "Times.");
        text.histogram("t", &[("class", "page")], &histogram);
        let text = text.into_string();
        assert!(text.contains("t_bucket{class=\"page\",le=\"0.01\"} 0\n"));
        assert!(text.contains("t_bucket{class=\"page\",le=\"0.02\"} 1\n"));
        assert!(text.contains("t_bucket{class=\"page\",le=\"+Inf\"} 1\n"));
        assert!(text.ends_with("t_sum{class=\"page\"} 0.015\nt_count{class=\"page\"} 1\n"));
    }
}
