"""Authors of ESC-10's recordings of the folds 1 to 4, by licence, for NOTICE and the model card.

All recordings are from freesound.org. LICENSES.tsv beside them has the title of each.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ESC_10_AUTHORS"]

ESC_10_AUTHORS: Mapping[str, str] = {
    "CC BY": (
        "aesqe, AGFX, Aiyumi, Akoustikos, andydonaldson6, ariat, ayamahambho, Benboncan, "
        "bigjoedrummer, bogus, BoilingSand, bspiller5, bulbastre, cclaretc, Corsica_S, "
        "delphidebrain, digifishmusic, dobroide, doxent, Eelke, Erdie, ermfilm, Glaneur de "
        "sons, Goup_1, GrooveOption, HerbertBoland, jeanorwin, jesabat, JFBSAUVE, jimblodget, "
        "joedeshon, kangaroovindaloo, Krisboruff, Kyster, lgarrett, lonemonk, m.newlove, "
        "mario1298, markfrancombe, massenbachhausen, matucha, morgantj, MrAuralization, "
        "mystiscool, Ndheger, NikosDemetriou, pcaeldries, pgonsilva, PhreaKsAccount, "
        "plingativator, poissonmort, Puniho, qubodup, rbirdwise, reinsamba, ronfont, "
        "schafferdavid, Setuniman, Shapeshifter242, slag777, Slapbass, sonitusetaudio, "
        "soundscalpel.com, stevelalonde, stevenpam, Tewkesound, theTone, thomasevd, Toby_Crane, "
        "Tomlija, unfa, urupin, wildear1, WIM"
    ),
    "CC Sampling+": "123a4567, pionium",
    "CC0": (
        "1pjladd2, Adam_N, ahill86, alienistcog, altfuture, AngryAdam, AntumDeluge, asbestos "
        "bill, aumguy, Bansemer, Barbamiz, bennyConsulting, bob58, Bobby Beck, bonehead, "
        "bsyapril88, bwav, Carlvus, cclaretc, Charliefarley, ciccarelli, cocoricosound, cognito "
        "perceptu, cynical, Danjocross, DJillcom, djym, doctor567, domrodrig, domvoice, "
        "dudermensch, dwareing, ecfike, Electron John, esperri, Everard, fabiopx, fauxpress, "
        "felix.blume, finalCrystine, fkurz, gynation, Heigh-hoo, higginsdj, husky70, inchadney, "
        "InDaHouse20, ipears1, j1987, Jace, jakobhandersen, jareilly, JGrayArt, jop9798, "
        "josephsardin, Julien Matthey, k3pp, kangaroovindaloo, keithpeter, kerouac21, "
        "Keygenerator, kingsrow, klangfabrik, LeoDeSafo, life_interconnected, Ligidium, "
        "liliangorini, LittleBigSounds, loisgwenllian, loopbasedmusic, Mafon2, magnus589, "
        "MentalSanityOff, mw_1984, needforsuv, nfrae, nialldoran, Ohrwurm, oldedgar, "
        "organicmanpl, Ovaltine Vortex, palem, peridactyloptrix, pheiland, philippe b, "
        "photog123, PickleJones, polipa, Polmantz, Q.K., qubodup, ra_gun, reelworldstudio, "
        "rickyjezz, Ryding, sagetyrtle, Sam80, senorstudy, signorvaso, silencyo, simongray, "
        "SoundCollectah, soundingoffagain, soundmary, ST303, stomachache, Suprasummun, "
        "tekgnosis, thammo, the_yura, timgormly, transitking, trgame, uberhuberman, "
        "UncleSigmund, UnderlinedDesigns, vhlam, vibe_crc, videog, Vocalphobic, "
        "Walter_Odington, wentzelj, winsx87, Zajjman, Zbylut, Zepp2010, zeshoog"
    ),
}
"""Names of the authors, separated by commas, by licence."""
