-- One row per ICU stay, with the step of the cohort's flow at which it left; `kept` stays.
select
  s.stay_id,
  s.subject_id,
  s.hadm_id,
  s.intime + $minutes * interval '1 minute' as prediction_time,
  s.outtime,
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
    when s.stay_id is null or s.subject_id is null then 'no_id'
    when count(*) over (partition by s.stay_id) > 1 then 'duplicate_id'
    when a.hadm_id is null or a.admittime is null then 'no_admission'
    when a.subject_id <> s.subject_id then 'mixed_patients'
    when p.subject_id is null then 'no_patient'
    when s.intime is null or s.outtime is null or s.outtime < s.intime or a.deathtime < s.intime
      or a.admittime < s.intime - interval '3650 days'
      then 'bad_times'
    when not (p.anchor_age + extract(year from s.intime) - p.anchor_year between 0 and 130)
      then 'bad_age'
    when a.hospital_expire_flag is null then 'no_label'
    when a.hospital_expire_flag not in (0, 1) then 'label_not_binary'
    when s.outtime < s.intime + $minutes * interval '1 minute' then 'left_before'
    when a.deathtime <= s.intime + $minutes * interval '1 minute' then 'died_before'
    else 'kept'
  end as step
from mimiciv_icu.icustays s
left join mimiciv_hosp.admissions a on a.hadm_id = s.hadm_id
left join mimiciv_hosp.patients p on p.subject_id = s.subject_id
