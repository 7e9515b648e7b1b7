/*
 * Questions in plain language. PG regime.
 */
#pragma once
