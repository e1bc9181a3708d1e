-- One row per ICU stay, with the step of the cohort's flow at which it left; `kept` stays.
select
  s.stay_id,
  s.subject_id,
  s.hadm_id,
  s.intime,
  s.outtime,
  s.intime + $minutes * interval '1 minute' as prediction_time,
  a.admittime,
  a.dischtime,
  a.deathtime,
  a.hospital_expire_flag,
  p.gender as sex,
  cast(p.anchor_age + extract(year from s.intime) - p.anchor_year as double precision) as age,
  p.anchor_year_group as period,
  a.race,
  a.marital_status,
  a.admission_type,
  a.admission_location,
  a.insurance,
  s.first_careunit as care_unit,
  case
    when s.intime is null or s.outtime is null or s.outtime < s.intime then 'bad_times'
    when a.hadm_id is null or a.admittime is null then 'no_admission'
    when p.subject_id is null then 'no_patient'
    when a.hospital_expire_flag is null then 'no_label'
    when a.deathtime < s.intime then 'bad_times'
    when s.outtime < s.intime + $minutes * interval '1 minute' then 'left_before'
    when a.deathtime <= s.intime + $minutes * interval '1 minute' then 'died_before'
    else 'kept'
  end as step
from mimiciv_icu.icustays s
left join mimiciv_hosp.admissions a on a.hadm_id = s.hadm_id
left join mimiciv_hosp.patients p on p.subject_id = s.subject_id
