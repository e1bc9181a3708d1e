/* What the counts of the validation records say about one risk. Counts per bin are all that is known. */

import { count, percent, percentRange } from "./numbers.js";

const total = (counts) => counts.reduce((sum, each) => sum + each, 0);

/** Return {edges, event, none, events, nones, records, patients, highest}, or null where it cannot be used. */
export function read(found) {
  if (!found || !Array.isArray(found.edges)) return null;
  const { edges, event, no_event: none } = found;
  const fits = event?.length === edges.length - 1 && none?.length === event.length;
  if (!fits || !total([...event, ...none])) return null;
  return {
    edges, event, none, events: total(event), nones: total(none),
    records: total(event) + total(none), patients: found.patients, highest: Math.max(...event, ...none),
  };
}

/** Return the share of the records with a lower risk; inside a bin they are taken as evenly spread. */
export function shareBelow(found, probability) {
  const below = found.edges.slice(0, -1).map((low, at) => {
    const inside = (probability - low) / (found.edges[at + 1] - low);
    return Math.min(1, Math.max(0, inside)) * (found.event[at] + found.none[at]);
  });
  return total(below) / found.records;
}

/** Return the sentences on where a risk stands. */
export function sentences(found, probability) {
  const patients = found.patients ? ` of ${count(found.patients)} patients` : "";
  return [
    `${about(shareBelow(found, probability))} of ${count(found.records)} validation records${patients} had a lower risk.`,
    `${count(found.events)} of them were of patients with the event, ${count(found.nones)} of patients without.`,
  ];
}

function about(share) {
  if (share < 0.005) return "Fewer than 1\u00a0%";
  return share > 0.995 ? "More than 99\u00a0%" : `About ${percent(share, 0)}`;
}

/** Return rows for a table: band of risk, with the event, without; bins are joined to about ten bands. */
export function bands(found) {
  const joined = Math.ceil(found.event.length / 10);
  const rows = [];
  for (let at = 0; at < found.event.length; at += joined) {
    const end = Math.min(at + joined, found.event.length);
    rows.push([percentRange(found.edges[at], found.edges[end], 0),
      count(total(found.event.slice(at, end))), count(total(found.none.slice(at, end)))]);
  }
  return rows;
}
