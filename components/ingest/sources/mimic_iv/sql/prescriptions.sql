-- Orders count from their start; when they stop is not known then. A dose may be a range (1-2).
select
  s.stay_id,
  r.starttime as event_time,
  r.starttime as known_time,
  0 as event_type,
  concat_ws(' ', r.drug, nullif(r.dose_val_rx, '___'), r.dose_unit_rx, r.route) as event_text
from stays s
join mimiciv_hosp.prescriptions r on r.hadm_id = s.hadm_id
where r.starttime >= s.admittime
  and r.starttime <= s.prediction_time
