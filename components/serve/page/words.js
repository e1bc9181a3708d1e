/* Plain words for the short names that the service speaks in; a name without words stands as it is. */

const FLAGS = {
  flat: "a lead without any signal",
  saturated: "a lead at the limit of the device",
  overrange: "voltages beyond ±5 mV",
  mains: "mains hum",
  muscle: "muscle noise",
  wander: "a wandering baseline",
  noisy: "hum, muscle noise or wander above its limit",
  unstable: "beats that do not look alike",
  paced: "paced beats",
  arm_reversal: "arm leads exchanged",
  wrong_polarity: "a lead upside down",
  chest_order: "chest leads in an unusual order",
  einthoven: "limb leads that contradict each other",
};

const MODALITIES = {
  ecg: "ECG",
  ecg_image: "ECG picture",
  pcg: "heart sounds",
  tabular: "clinical fields",
  text: "clinical notes",
  clinical_notes: "clinical notes",
  events: "clinical events",
};

const OUTPUTS = { p: "probability", probability: "probability", logit: "log-odds, calibrated" };

const READ = { format: "format", leads: "leads", fs: "sampling rate", unit: "unit", seconds: "length" };

export const flag = (name) => FLAGS[name] ?? name;

export const modality = (name) => MODALITIES[name] ?? name.replace(/^emb_/, "").replaceAll("_", " ");

export const readFact = (name) => READ[name] ?? name.replaceAll("_", " ");

/** Return the words for what a head says, e.g. "by day 30", "death by day 30". */
export function output(name) {
  const days = /^(?:(.+)\.)?(\d+)$/.exec(name);
  if (days) return `${days[1] ? `${days[1].replaceAll("_", " ")} ` : ""}by day ${days[2]}`;
  return OUTPUTS[name] ?? name.replaceAll("_", " ");
}

export const towards = (value) => (value > 0 ? "towards the event" : value < 0 ? "against the event" : "neither way");
